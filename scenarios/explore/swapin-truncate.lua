-- only: model (what happens depends on the order)
-- A page of shared memory comes back from swap while the file is cut.
-- explore: --strategy pos --executions 5000
-- Covers: P3
local p = process()
p:swapon(4)
local fd = p:memfd_create("cut")
p:ftruncate(fd, PAGE)
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	local seen, why = p:try("load", a)
	expect(seen == 1 or seen == 0 or why == "SIGBUS")
end, function()
	p:ftruncate(fd, 0)
end)

p:ftruncate(fd, PAGE)
expect(p:load(a) == 0)
