-- only: model (what happens depends on the order)
-- Paging out a page of memory that another process shares while that one unmaps it.
-- Covers: P3
machine{ page_cluster = 0 }
local p = process()
p:swapon(8)
local a = p:mmap{ len = PAGE, flags = "shared|anonymous" }
p:store(a, 1)
local c = p:fork()
c:load(a)

concurrent(p, function()
	p:madvise(a, PAGE, "pageout")
end, c, function()
	c:munmap(a, PAGE)
end)

expect(p:load(a) == 1)
