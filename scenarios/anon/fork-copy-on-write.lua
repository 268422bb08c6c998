-- After fork both processes share the pages until one of them writes.
--
--         0    4
--     p   A·        A: one page, written before the fork
--     c   A·        then c writes: it gets a copy, and p has the page to itself again
-- Covers: P2
local p = process()
local a = p:mmap { len = 8 * K, prot = "rw", flags = "private|anonymous" }
p:write(a, "before")
expect(p:smaps(a).private_dirty == 4 * K)
expect(p:pagemap(a).exclusive)

local c = p:fork()
expect(p:smaps(a).shared_dirty == 4 * K)
expect(p:smaps(a).pss == 2 * K)
expect(not p:pagemap(a).exclusive)
expect(c:read(a, 6) == "before")

c:write(a, "child!")
expect(p:read(a, 6) == "before")
expect(c:read(a, 6) == "child!")
expect(p:smaps(a).private_dirty == 4 * K)
expect(c:pagemap(a).exclusive)

-- The parent is alone with its page: the next write takes it back without a copy.
p:write(a, "parent")
expect(p:pagemap(a).exclusive)
c:exit()
expect_errno("EINVAL", function() p:mprotect(a + 1, 4 * K, "r") end)
local fault = expect_signal("SIGSEGV", function() p:read(0x10, 1) end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == 0x10)
