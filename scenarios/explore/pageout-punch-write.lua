-- only: model (what happens depends on the order)
-- A page of shared memory on its way to swap, or back, against a hole and a write.
-- explore: --strategy pos --executions 3000
-- Covers: P3
local p = process()
p:swapon(4)
local fd = p:memfd_create("hole")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	p:store(a + 8, 2)
end, function()
	p:fallocate(fd, "punch_hole|keep_size", 0, PAGE)
end, function()
	p:madvise(a, PAGE, "pageout")
end)

local one, two = p:load(a), p:load(a + 8)
expect(one == 1 and two == 2 or one == 0 and (two == 2 or two == 0))
