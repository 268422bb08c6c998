-- only: model (what happens depends on the order)
-- A thread writes what it has cached while another unmaps it and maps something else in its
-- place: the new page never sees the old translation.
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
