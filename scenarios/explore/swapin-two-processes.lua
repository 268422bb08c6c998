-- only: model (what happens depends on the order)
-- explore: --preemptions 2
-- Parent and child write the page that both have in swap: each gets its own.
-- Covers: P3
machine{ page_cluster = 0 }
local p = process()
p:swapon(8)
local a = p:mmap{ len = PAGE }
p:store(a, 7)
p:madvise(a, PAGE, "pageout")
local c = p:fork()

concurrent(p, function()
	p:store(a, 1)
end, c, function()
	c:store(a, 2)
end)

expect(p:load(a) == 1 and c:load(a) == 2)
