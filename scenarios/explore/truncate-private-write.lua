-- only: model (what happens depends on the order)
-- explore: --preemptions 2
-- A private copy is made of a page that is being cut off: the copy goes too, whichever is first.
-- Covers: P1, P2, Z1
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, 2 * PAGE)
p:pwrite(fd, "x", PAGE)
local a = p:mmap { len = 2 * PAGE, flags = "private", fd = fd }
p:store(a, 1)

concurrent(function()
	local ok, signal = p:try("store", a + PAGE, 1)
	expect(ok or signal == "SIGBUS")
end, function()
	p:ftruncate(fd, PAGE)
end)

expect_signal("SIGBUS", p.load, p, a + PAGE)
