-- only: model (groups)
-- Reclaim takes from a group while one of its processes writes.
-- Covers: P4
machine{ page_cluster = 0 }
local p = process()
p:swapon(8)
local g = group(64 * PAGE)
p:join_group(g)
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local q = process()

concurrent(p, function()
	p:store(a + 8, 2)
end, q, function()
	group_reclaim(g, PAGE)
end)

expect(p:load(a) == 1 and p:load(a + 8) == 2)
