-- only: model (what happens depends on the order)
-- A file is cut while a page of it is faulted in: the page is there, or the access ends in SIGBUS,
-- and afterwards nothing of it is mapped.
-- Covers: P1, P5
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, 2 * PAGE)
p:pwrite(fd, "x", PAGE)
local a = p:mmap { len = 2 * PAGE, flags = "shared", fd = fd }
p:load(a)

concurrent(function()
	local value, signal = p:try("load", a + PAGE)
	expect(value == 0x78 or signal == "SIGBUS")
end, function()
	p:ftruncate(fd, PAGE)
end)

expect_signal("SIGBUS", p.load, p, a + PAGE)
expect(p:fsize(fd) == PAGE)
