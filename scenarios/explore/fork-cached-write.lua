-- only: model (what happens depends on the order)
-- A thread that may write without asking forgets so at a fork: two writes, and a child that has
-- seen the second has seen the first.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 0)
local c

concurrent(p, function()
	p:store(a, 1)
	p:store(a + 8, 1)
end, p, function()
	c = p:fork()
end)

local first, second = c:load(a), c:load(a + 8)
expect(not (second == 1 and first == 0))
p:store(a, 9)
expect(c:load(a) == first)
