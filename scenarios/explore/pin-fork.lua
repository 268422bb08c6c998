-- only: model (what happens depends on the order)
-- A pin against a fork: the parent keeps the pinned page, the child gets a copy.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c

concurrent(p, function()
	p:pin(a, PAGE)
end, p, function()
	c = p:fork()
end)

local pinned = p:model_page(a)
p:store(a, 2)
expect(c:load(a) == 1)
expect(p:model_page(a).pincount > 0)
