-- only: model (what happens depends on the order)
-- One thread locks a page, another unlocks it.
-- Covers: P1
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)

concurrent(function()
	p:mlock(a, PAGE)
end, function()
	p:munlock(a, PAGE)
end)

local locked = p:smaps(a).locked
expect(locked == 0 or locked == PAGE)
