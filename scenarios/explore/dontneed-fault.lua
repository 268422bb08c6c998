-- only: model (what happens depends on the order)
-- MADV_DONTNEED against a write: the value is there or zero, never something else.
-- Covers: P1
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)

concurrent(function()
	p:store(a, 2)
end, function()
	p:madvise(a, PAGE, "dontneed")
end)

local value = p:load(a)
expect(value == 0 or value == 2)
