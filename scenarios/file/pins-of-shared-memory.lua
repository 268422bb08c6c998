-- A pin of shared memory keeps the page it holds, also when the file lets go of it: what is cut off
-- and grown again is another page. Pins of a private mapping take copies.
-- Covers: P1, P2
local p = process()
local fd = p:memfd_create("pinned")
p:ftruncate(fd, 8 * K)
local a = p:mmap { len = 8 * K, flags = "shared", fd = fd }
p:write(a, "held")
local pin = p:pin(a, 8 * K)
expect(p:status().vmpin == 8 * K)
p:ftruncate(fd, 0)
p:ftruncate(fd, 8 * K)
expect(p:load(a) == 0)
p:unpin(pin)
local b = p:mmap { len = 4 * K, flags = "private", fd = fd }
p:load(b)
pin = p:pin(b, 4 * K)
expect(not p:pagemap(b).file)
local c = p:fork()
p:write(b, "parent")
expect(c:load(b) == 0)
p:unpin(pin)
expect_errno("EFAULT", function()
	local r = p:mmap { len = 4 * K, prot = "r", flags = "shared", fd = fd }
	p:pin(r, 4 * K)
end)
