-- only: model (what happens depends on the order)
-- A range that nothing is in moves while another thread writes it for the first time.
-- Covers: P1
local p = process()
local a = p:mmap{ len = PAGE }
local to = p:mmap{ len = PAGE, prot = "none" }
local ok

concurrent(function()
	ok = p:try("store", a, 2)
end, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", to)
end)

expect(p:load(to) == (ok and 2 or 0))
