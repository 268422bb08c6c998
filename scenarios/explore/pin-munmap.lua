-- only: model (what happens depends on the order)
-- A pin against munmap: the page lives as long as the pin.
-- Covers: P2
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)
p:store(a + PAGE, 1)

concurrent(function()
	local pin, errno = p:try("pin", a, PAGE)
	expect(pin or errno == "EFAULT")
	if pin then p:unpin(pin) end
end, function()
	p:munmap(a, PAGE)
end)
