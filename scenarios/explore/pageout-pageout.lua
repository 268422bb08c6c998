-- only: model (what happens depends on the order)
-- Two threads put the same page out to swap.
-- Covers: P4
local p = process()
p:swapon(64)
local a = p:mmap{ len = PAGE }
p:store(a, 1)

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	p:madvise(a, PAGE, "pageout")
end)

expect(p:load(a) == 1)
