-- only: model (what is in swap depends on the order)
-- explore: --strategy pos --executions 5000
-- The entry of a page that goes to swap moves to another vma: it is found in one of the two, or the
-- page stays.
-- Covers: P3, P4
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE }
local b = p:mmap{ len = PAGE }
p:store(a, 5)

concurrent(function()
	p:try("madvise", a, PAGE, "pageout")
end, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", b)
end)

expect(p:load(b) == 5)
