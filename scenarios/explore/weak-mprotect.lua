-- only: model (what happens depends on the order)
-- explore: --memory weak
-- explore: --memory tso
-- When mprotect to read-only has returned, writes of other CPUs have arrived: there is no store
-- that is still on its way.
-- Covers: P1, R5
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)

concurrent(function()
	p:mprotect(a, PAGE, "r")
	local value = p:load(a)
	expect(p:load(a) == value)
end, function()
	p:try("store", a, 2)
end)
