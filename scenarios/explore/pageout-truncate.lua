-- only: model (what happens depends on the order)
-- A page of shared memory on its way to swap against truncation: the slot goes with the page.
-- explore: --strategy pos --executions 5000
-- Covers: P3
local p = process()
p:swapon(4)
local fd = p:memfd_create("cut")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
p:store(a, 1)

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	p:ftruncate(fd, 0)
end)

p:ftruncate(fd, PAGE)
expect(p:load(a) == 0)
