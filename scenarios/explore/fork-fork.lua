-- only: model (what happens depends on the order)
-- Two threads fork at once.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c, d

concurrent(p, function()
	c = p:fork()
end, p, function()
	d = p:fork()
end)

p:store(a, 2)
expect(c:load(a) == 1 and d:load(a) == 1)
