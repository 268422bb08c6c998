-- Two threads touch pages that are far from all others: each level of tables is made once.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }

concurrent(function()
	p:store(a, 1)
end, function()
	p:store(a + PAGE, 2)
end)

expect(p:load(a) == 1 and p:load(a + PAGE) == 2)
