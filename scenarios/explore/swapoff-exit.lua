-- only: model (what happens depends on the order)
-- An area is switched off while a process with pages in it ends, and a file is closed.
-- Covers: P3
local p = process()
local q = process()
local area = p:swapon(4)
local a = q:mmap { len = PAGE }
local fd = q:memfd_create("x")
q:ftruncate(fd, PAGE)
q:store(a, 1)
q:pwrite(fd, "x", 0)
q:madvise(a, PAGE, "pageout")
local s = q:mmap { len = PAGE, flags = "shared", fd = fd }
q:madvise(s, PAGE, "pageout")

concurrent(q, function()
	q:exit()
end, p, function()
	p:swapoff(area)
end)
