-- only: model (what happens depends on the order)
-- The vma of a page that is being cut off is split: the page is found by one part or the other.
-- Covers: P1, Z1
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, 2 * PAGE)
local a = p:mmap { len = 2 * PAGE, flags = "shared", fd = fd }
p:store(a, 1)
p:store(a + PAGE, 2)

concurrent(function()
	p:mprotect(a, PAGE, "r")
end, function()
	p:ftruncate(fd, PAGE)
end)

expect_signal("SIGBUS", p.load, p, a + PAGE)
expect(p:load(a) == 1)
