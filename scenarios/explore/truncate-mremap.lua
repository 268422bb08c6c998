-- only: model (what happens depends on the order)
-- A page that is being cut off moves to another address: it is found at one or the other.
-- Covers: P1, Z1
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "private", fd = fd }
local b = p:mmap { len = PAGE, flags = "private", fd = fd }
p:munmap(b, PAGE)
p:store(a, 1)

concurrent(function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", b)
end, function()
	p:ftruncate(fd, 0)
end)

expect_signal("SIGBUS", p.load, p, b)
