-- only: model (what happens depends on the order)
-- A cached translation against munmap and the next owner of the frame, under every way to tell
-- the other CPUs.
-- explore: --option tlb_flush=ipi
-- explore: --option tlb_flush=paravirt
-- explore: --option tlb_flush=broadcast
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)

concurrent(function()
	p:try("store", a, 2)
end, function()
	p:madvise(a, PAGE, "dontneed")
	p:store(a + PAGE, 8)
end)

expect(p:load(a + PAGE) == 8)
