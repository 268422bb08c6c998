-- Parent and child write the page that they share: each ends with its own.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c = p:fork()

concurrent(p, function()
	p:store(a, 2)
end, c, function()
	c:store(a, 3)
end)

expect(p:load(a) == 2 and c:load(a) == 3)
