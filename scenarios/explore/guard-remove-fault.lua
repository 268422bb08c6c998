-- only: model (what happens depends on the order)
-- A guard is removed while another thread touches the page.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)
p:madvise(a, PAGE, "guard_install")
local ok, signal

concurrent(function()
	ok, signal = p:try("store", a, 1)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:madvise(a, PAGE, "guard_remove")
end)

expect(p:load(a) == (ok and 1 or 0))
