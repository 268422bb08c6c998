-- only: model (what happens depends on the order)
-- A page comes back from swap while its entries go: two processes share the slot.
-- explore: --strategy pos --executions 5000
-- Covers: P3
local p = process()
p:swapon(4)
local a = p:mmap { len = PAGE }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")
local q = p:fork()

concurrent(p, function()
	p:madvise(a, PAGE, "dontneed")
end, q, function()
	q:munmap(a, PAGE)
end, p, function()
	p:madvise(a, PAGE, "willneed")
end)

expect(p:load(a) == 0)
