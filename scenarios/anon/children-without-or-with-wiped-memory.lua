-- MADV_DONTFORK keeps a mapping out of children, MADV_WIPEONFORK gives them zeros instead.
--
--         0    4    8   12
--     p   A    D    W    A      A plain   D not for children   W wiped in children
--     c   A    ·    w    A      w empty, though the parent's page is there
-- Covers: P1, P2
local p = process()
local a = p:mmap { len = 16 * K }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a + 4 * K, 4 * K, "dontfork")
p:madvise(a + 8 * K, 4 * K, "wipeonfork")

local c = p:fork()
expect(c:layout(a, 4) == "w.w|w")
expect(c:mincore(a + 8 * K, 4 * K) == "0")
expect(c:load(a + 8 * K) == 0)
expect(c:read(a, 6) == "page 0" and c:read(a + 12 * K, 6) == "page 3")
expect(expect_signal("SIGSEGV", function() c:load(a + 4 * K) end).code == "SEGV_MAPERR")
-- What the child did not get stays the parent's alone.
expect(p:pagemap(a + 4 * K).exclusive and p:pagemap(a + 8 * K).exclusive)
expect(p:smaps(a + 8 * K).private_dirty == 4 * K)

-- Both are inherited, as flags of the mapping: the child's child starts empty again.
expect(c:smaps(a + 8 * K).vmflags:find("wf"))
c:write(a + 8 * K, "filled")
local g = c:fork()
expect(g:load(a + 8 * K) == 0)
g:exit()
c:exit()

-- The address space counts less without it; status shows what a child has.
p:madvise(a + 4 * K, 4 * K, "dofork")
p:madvise(a + 8 * K, 4 * K, "keeponfork")
expect(p:layout(a, 4) == "wwww")
c = p:fork()
expect(c:layout(a, 4) == "wwww")
expect(c:read(a + 4 * K, 6) == "page 1" and c:read(a + 8 * K, 6) == "page 2")
c:exit()

-- Both at once: it is not there to be wiped.
p:madvise(a, 4 * K, "wipeonfork")
p:madvise(a, 4 * K, "dontfork")
c = p:fork()
expect(c:layout(a, 4) == ".www")
expect(c:status().vmsize == p:status().vmsize - 4 * K)

-- Droppable memory is always wiped in children, and that cannot be taken back.
local d = p:mmap { len = 4 * K, flags = "droppable|anonymous" }
p:write(d, "cache")
expect_errno("EINVAL", function() p:madvise(d, 4 * K, "keeponfork") end)
expect_errno("EINVAL", function() p:madvise(d, 4 * K, "dodump") end)
c = p:fork()
expect(c:load(d) == 0)
