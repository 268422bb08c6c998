-- A page that is pinned for I/O is not shared by fork: the child gets a copy at once.
--
-- Were it shared, the parent's next write would take the parent to a copy, and the device
-- would go on filling a page that nobody sees. So the parent keeps its page, writable.
--
--         0    4    8   12
--     p   P    A    Z    P      P pinned   A written   Z zero page   · untouched
--     c   c    A    Z    c      c a copy   A the same page as the parent's
-- Covers: P2, R3
local p = process()
local a = p:mmap { len = 16 * K }
p:write(a, "buffer")
p:write(a + 4 * K, "plain")
expect(p:load(a + 8 * K) == 0)
p:write(a + 12 * K, "last")
local first = p:pin(a, 4 * K)
local last = p:pin(a + 12 * K + 100, 200)

local c = p:fork()
for _, one in ipairs { p, c } do
	expect(one:pagemap(a).exclusive)
	expect(not one:pagemap(a + 4 * K).exclusive)
	expect(one:pagemap(a + 12 * K).exclusive)
	local vma = one:smaps(a)
	expect(vma.rss == 12 * K and vma.private_dirty == 8 * K and vma.shared_dirty == 4 * K)
	expect(one:read(a, 6) == "buffer" and one:read(a + 12 * K, 4) == "last")
end

c:write(a, "child!")
expect(p:read(a, 6) == "buffer")
p:write(a, "parent")
expect(c:read(a, 6) == "child!")
expect(p:pagemap(a).exclusive and c:pagemap(a).exclusive)

-- A grandchild of the child that holds no pins shares as usual.
local g = c:fork()
expect(not g:pagemap(a).exclusive)
g:exit()

-- After unpin, fork shares again.
p:unpin(first)
local d = p:fork()
expect(not p:pagemap(a).exclusive)
expect(p:pagemap(a + 12 * K).exclusive)
d:exit()
p:unpin(last)
d = p:fork()
expect(not p:pagemap(a + 12 * K).exclusive)
expect(d:smaps(a).shared_dirty == p:smaps(a).shared_dirty)

-- A read-only parent keeps the pinned page, too, and the child's copy is read-only.
d:exit()
local pin = p:pin(a, 4 * K)
p:mprotect(a, 4 * K, "r")
d = p:fork()
expect(p:pagemap(a).exclusive and d:pagemap(a).exclusive)
expect_signal("SIGSEGV", function() d:write(a, "x") end)
p:mprotect(a, 4 * K, "rw")
p:write(a, "again")
expect(d:read(a, 6) == "parent")
p:unpin(pin)
