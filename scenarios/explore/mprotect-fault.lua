-- only: model (what happens depends on the order)
-- mprotect to read-only against a first write.
-- Covers: P1, P5
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	local ok, signal = p:try("store", a, 1)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:mprotect(a, PAGE, "r")
end)

expect_signal("SIGSEGV", p.store, p, a, 2)
