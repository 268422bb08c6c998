-- only: model (what happens depends on the order)
-- A thread writes through a translation that it has cached while another unmaps the page: the
-- write comes first or ends in SIGSEGV, and never reaches a frame that is free.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)
p:store(a + PAGE, 7)

concurrent(function()
	p:try("store", a, 2)
end, function()
	p:munmap(a, PAGE)
	p:store(a + PAGE, 8)
end)

expect(p:load(a + PAGE) == 8)
