-- only: model (what happens depends on the order)
-- A page that was given up is written again while it is reclaimed.
-- Covers: P4, G1
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:madvise(a, PAGE, "free")

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	p:store(a, 2)
end)

expect(p:load(a) == 2)
