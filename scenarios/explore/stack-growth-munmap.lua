-- only: model (what happens depends on the order)
-- A stack grows while its top is unmapped.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE, flags = "private|anonymous|growsdown" }
p:store(a + PAGE, 1)

concurrent(function()
	local ok, signal = p:try("store", a - PAGE, 1)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:munmap(a, 2 * PAGE)
end)
