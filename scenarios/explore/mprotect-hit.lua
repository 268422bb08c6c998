-- only: model (what happens depends on the order)
-- After mprotect to read-only has returned, no cached translation lets a write through.
-- Covers: P1
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:store(a + 8, 0)

concurrent(function()
	p:try("store", a, 2)
end, function()
	p:mprotect(a, PAGE, "r")
	local value = p:load(a)
	expect(p:load(a) == value)
end)
