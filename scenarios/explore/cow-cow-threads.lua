-- Two threads of a parent write a page that a child shares: it is copied once.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c = p:fork()

concurrent(p, function()
	p:store(a, 2)
end, p, function()
	p:store(a + 8, 3)
end)

expect(p:load(a) == 2 and p:load(a + 8) == 3)
expect(c:load(a) == 1 and c:load(a + 8) == 0)
