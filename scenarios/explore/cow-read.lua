-- A child reads what its parent overwrites: it sees what was there at the fork.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c = p:fork()

concurrent(p, function()
	p:store(a, 2)
end, c, function()
	expect(c:load(a) == 1)
end)

expect(p:load(a) == 2 and c:load(a) == 1)
