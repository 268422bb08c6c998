-- only: model (what happens depends on the order)
-- explore: --preemptions 2
-- A hole is punched where another process writes: what it wrote before is gone, what after is
-- there.
-- Covers: P1, Z2
local p = process()
local fd = p:memfd_create("hole")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
p:store(a, 1)
local c = p:fork()

concurrent(c, function()
	c:store(a + 8, 2)
end, p, function()
	p:fallocate(fd, "punch_hole|keep_size", 0, PAGE)
end)

expect(p:load(a) == 0)
expect(p:load(a + 8) == c:load(a + 8))
expect(p:load(a + 8) == 0 or p:load(a + 8) == 2)
