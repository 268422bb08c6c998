-- only: model (what mlock says depends on the order)
-- mlock counts the pages that it finds while truncation takes them away, uncounting those that are
-- locked: each page is counted, or uncounted, as what it is at that moment.
-- Covers: P1, Z1
local p = process()
local fd = p:memfd_create("x")
p:ftruncate(fd, PAGE)
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:store(a, 5)

concurrent(function()
	p:try("mlock", a, PAGE)
end, function()
	p:ftruncate(fd, 0)
end)

local ok, signal = p:try("load", a)
expect(not ok and signal == "SIGBUS")
