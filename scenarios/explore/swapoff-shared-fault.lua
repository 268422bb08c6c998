-- only: model (what happens depends on the order)
-- An area is switched off while threads bring pages in from it.
-- explore: --strategy pos --executions 2000
-- Covers: P3
local p = process()
local area = p:swapon(4)
local a = p:mmap { len = 2 * PAGE }
local s = p:mmap { len = PAGE, flags = "shared|anonymous" }
p:store(a, 1)
p:store(a + PAGE, 2)
p:store(s, 3)
p:madvise(a, 2 * PAGE, "pageout")
p:madvise(s, PAGE, "pageout")

concurrent(function()
	expect(p:load(s) == 3)
	p:store(a, 4)
end, function()
	p:swapoff(area)
end)

expect(p:load(a) == 4 and p:load(a + PAGE) == 2 and p:load(s) == 3)
