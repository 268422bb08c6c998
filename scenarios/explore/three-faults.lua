-- Three threads touch the same page for the first time.
-- explore: --strategy pos --executions 20000
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	p:store(a, 1)
end, function()
	p:store(a + 8, 2)
end, function()
	p:store(a + 16, 3)
end)

expect(p:load(a) == 1 and p:load(a + 8) == 2 and p:load(a + 16) == 3)
