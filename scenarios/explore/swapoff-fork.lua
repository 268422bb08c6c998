-- only: model (what happens depends on the order)
-- swapoff while a fork copies entries: none is left behind, the child's included.
-- Covers: P3, B10
machine{ page_cluster = 0 }
local p = process()
local area = p:swapon(8)
local a = p:mmap{ len = PAGE }
p:store(a, 7)
p:madvise(a, PAGE, "pageout")
local q, c = process()

concurrent(p, function()
	c = p:fork()
end, q, function()
	q:swapoff(area)
end)

expect(c:load(a) == 7 and p:load(a) == 7)
expect(c:smaps(a).swap == 0 and p:smaps(a).swap == 0)
