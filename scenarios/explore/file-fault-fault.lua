-- only: model (what happens depends on the order)
-- Two processes touch a hole of a file first: both get the same page.
-- Covers: P1, P5
local p = process()
local fd = p:memfd_create("hole")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
local c = p:fork()

concurrent(p, function()
	p:store(a, 1)
end, c, function()
	c:store(a + 8, 2)
end)

expect(p:load(a + 8) == 2 and c:load(a) == 1)
expect(p:fetch_add(a, 1) == 1 and c:load(a) == 2)
