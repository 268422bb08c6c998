-- only: model (groups)
-- explore: --preemptions 2
-- Two reclaimers find the same page.
-- Covers: P4
machine{ page_cluster = 0 }
local p = process()
p:swapon(8)
local g = group(64 * PAGE)
p:join_group(g)
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local q, r = process(), process()

concurrent(q, function()
	group_reclaim(g, PAGE)
end, r, function()
	group_reclaim(g, PAGE)
end)

expect(p:load(a) == 1)
