-- only: model (what happens depends on the order)
-- An area is switched off while a page is on its way to it.
-- explore: --strategy pos --executions 5000
-- Covers: P3
local p = process()
local area = p:swapon(4)
local a = p:mmap { len = PAGE }
p:store(a, 1)

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	p:swapoff(area)
end)

expect(p:load(a) == 1)
