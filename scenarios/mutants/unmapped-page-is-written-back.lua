-- only: model (what is written depends on the order)
-- A thread writes to a page of a file that another unmaps, through what its CPU has cached, while
-- a third writes the file back: what the page holds in the end is what the file gets.
-- Covers: P1, Z1
local p = process()
local fd = p:open("file", "rdwr|creat")
p:ftruncate(fd, PAGE)
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:store(a, 1)

concurrent(function()
	p:try("store", a, 2)
end, function()
	p:munmap(a, PAGE)
end, function()
	p:fsync(fd)
end)

local value = p:pread(fd, 1):byte()
expect(value == 1 or value == 2)
p:fadvise(fd, 0, 0, "dontneed")
expect(p:pread(fd, 1):byte() == value)
