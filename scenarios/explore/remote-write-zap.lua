-- only: model (what happens depends on the order)
-- A process writes to another's page that still has its slot, while its last entry goes: no slot is
-- left behind.
-- explore: --preemptions 2
-- Covers: P3
machine { page_cluster = 0 }
local p, q = process(), process()
p:swapon(8)
local a = p:mmap { len = PAGE }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")
p:load(a)
p:store(a, 2)

concurrent(p, function()
	p:munmap(a, PAGE)
end, q, function()
	q:try("vm_writev", p, { { a, 1 } }, "x")
end)

expect(swaps():match("\t%s*(%d+)\t+%-?%d+\n$") == "0", swaps())
