-- only: model (what happens depends on the order)
-- fork copies the entry of a page that is being cut off: neither process keeps it. The walk over
-- the mappings of the file comes to the parent's before the child's.
-- Covers: P1, P2, Z1
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "private", fd = fd }
p:store(a, 1)
local c

concurrent(function()
	c = p:fork()
end, function()
	p:ftruncate(fd, 0)
end)

expect_signal("SIGBUS", p.load, p, a)
expect_signal("SIGBUS", c.load, c, a)
