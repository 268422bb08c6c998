-- only: model (what happens depends on the order)
-- A first write against munmap: it works before, and ends in SIGSEGV after.
-- Covers: P1, P5
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	local ok, signal = p:try("store", a, 1)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:munmap(a, PAGE)
end)

expect(not p:maps(a))
expect(p:load(a + PAGE) == 7)
