-- only: model (what happens depends on the order)
-- explore: --preemptions 3
-- Parent and child share a page; one copies it while the other, by then alone, may page it out.
-- Covers: P3, P2
machine{ page_cluster = 0 }
local p = process()
p:swapon(8)
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c = p:fork()

concurrent(p, function()
	p:madvise(a, PAGE, "pageout")
end, c, function()
	c:store(a, 2)
end)

expect(p:load(a) == 1 and c:load(a) == 2)
