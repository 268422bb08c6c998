-- only: model (what happens depends on the order)
-- Two threads want a page from swap, one waits for the other, while its last entry goes: no slot is
-- left behind.
-- explore: --strategy pos --executions 20000
-- Covers: P3
local p = process()
p:swapon(4)
local a = p:mmap { len = PAGE }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	p:try("load", a)
end, function()
	p:try("load", a)
end, function()
	p:munmap(a, PAGE)
end)

expect(swaps():match("\t%s*(%d+)\t+%-?%d+\n$") == "0", swaps())
