-- only: model (what happens depends on the order)
-- explore: --strategy pos --executions 3000
-- Two threads bring in a page where no table is yet: whoever finds a table that the other has
-- just made finds it complete.
-- Covers: P1, R5
local p = process()
local a = p:mmap{ len = PAGE }

concurrent(function()
	p:store(a, 1)
end, function()
	p:store(a + 8, 2)
end)

expect(p:load(a) == 1 and p:load(a + 8) == 2)
