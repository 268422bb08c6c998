-- only: model (what happens depends on the order)
-- A thread writes while another forks: the child has the value of before or after, and what is
-- written later is never seen by it.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c

concurrent(p, function()
	p:store(a, 2)
end, p, function()
	c = p:fork()
end)

local value = c:load(a)
expect(value == 1 or value == 2)
p:store(a, 3)
expect(c:load(a) == value)
