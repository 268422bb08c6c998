-- only: model (what happens depends on the order)
-- A page is brought in ahead of its use while its last entry goes: no slot is left behind.
-- explore: --preemptions 2
-- Covers: P3
machine { page_cluster = 0 }
local p = process()
p:swapon(4)
local a = p:mmap { len = PAGE }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	p:madvise(a, PAGE, "willneed")
end, function()
	p:madvise(a, PAGE, "dontneed")
end)

expect(swaps():match("\t%s*(%d+)\t+%-?%d+\n$") == "0", swaps())
