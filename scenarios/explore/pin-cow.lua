-- only: model (what happens depends on the order)
-- A pin is taken while the other process writes the shared page: the pin's page stays the one
-- that its process sees.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c = p:fork()

concurrent(p, function()
	p:pin(a, PAGE)
end, c, function()
	c:store(a, 3)
end)

local pinned = p:model_page(a)
expect(pinned.anon_exclusive and pinned.pincount > 0)
p:store(a, 2)
expect(p:model_page(a).pfn == pinned.pfn)
expect(c:load(a) == 3)
