-- only: model (what happens depends on the order)
-- A page moves while another thread writes it at the old address: the value moves along, or
-- the write ends in SIGSEGV.
-- Covers: P1
local p = process()
local a = p:mmap{ len = PAGE }
local to = p:mmap{ len = PAGE, prot = "none" }
p:store(a, 1)
local ok, signal

concurrent(function()
	ok, signal = p:try("store", a, 2)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", to)
end)

expect(p:load(to) == (ok and 2 or 1))
