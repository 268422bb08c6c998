-- only: model (what happens depends on the order)
-- A hole punched into a file while a private mapping of it copies the page: the copy stays.
-- Covers: Z1, Z2
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "\7")
local a = p:mmap{ len = PAGE, flags = "private", fd = fd }
local q = p:fork()

concurrent(p, function()
	p:store(a, 1, 1)
end, q, function()
	q:fallocate(fd, "punch_hole|keep_size", 0, PAGE)
end)

expect(p:load(a, 1) == 1)
