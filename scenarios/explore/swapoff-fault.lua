-- only: model (what happens depends on the order)
-- explore: --preemptions 3
-- swapoff brings a page home while its owner writes it.
-- Covers: P3
machine{ page_cluster = 0 }
local p = process()
local area = p:swapon(8)
local a = p:mmap{ len = PAGE }
p:store(a, 7)
p:madvise(a, PAGE, "pageout")
local q = process()

concurrent(p, function()
	p:store(a + 8, 1)
end, q, function()
	q:swapoff(area)
end)

expect(p:load(a) == 7 and p:load(a + 8) == 1)
expect(p:smaps(a).swap == 0)
