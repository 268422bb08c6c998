-- only: model (what happens depends on the order)
-- A page moves, is given back at its new place, and a third thread still has its old address in
-- its cache: what it writes never reaches a frame that is free.
-- Covers: P1
local p = process()
local a = p:mmap{ len = PAGE }
local to = p:mmap{ len = PAGE }
p:store(a, 1)
p:store(to, 7)

concurrent(p, function()
	p:try("store", a, 2)
end, p, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", to)
end, p, function()
	p:madvise(to, PAGE, "dontneed")
end)

local value = p:load(to)
expect(value == 0 or value == 1 or value == 2)
