-- Cutting a file takes its pages out of every mapping, private copies too: accesses beyond its last
-- page end with SIGBUS. What is cut off within a page is zeroed, and stays zero when the file grows
-- again.
--
--     size     0    4    8   12   16
--     shared   A    B    C    D            then cut at 6000
--     private       b              a copy of its own of B and of D
-- Covers: P1, P5, Z2
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 16 * K, flags = "private", fd = fd }
for i = 0, 3 do
	p:write(a + i * 4 * K, ("%x"):format(10 + i):rep(4 * K))
end
p:write(b + 4 * K, "copy")
p:write(b + 12 * K, "gone")
p:ftruncate(fd, 6000)
expect_eq(p:fsize(fd), 6000)
for _, at in ipairs { a, b } do
	local fault = expect_signal("SIGBUS", p.load, p, at + 8 * K)
	expect(fault.code == "BUS_ADRERR" and fault.addr == at + 8 * K)
	expect_signal("SIGBUS", p.store, p, at + 12 * K, 1)
end
expect_eq(p:read(a + 5999, 2), "b\0")
-- The copy of a page that is still partly there stays as it is.
expect_eq(p:read(b + 4 * K, 4), "copy")
expect_eq(p:read(b + 7 * K, 1), "b")
-- Beyond the size, but within its last page, one may write; growing the file shows it no more.
p:write(a + 7 * K, "lost?")
p:ftruncate(fd, 16 * K)
expect_eq(p:read(a + 7 * K, 5), "lost?")
expect(p:load(a + 8 * K) == 0 and p:load(b + 12 * K) == 0)
p:ftruncate(fd, 0)
expect_signal("SIGBUS", p.load, p, a)
expect_eq(p:mincore(a, 16 * K), "0000")
p:ftruncate(fd, 4 * K)
expect(p:load(a) == 0)
-- Sizes that make no sense.
expect_errno("EINVAL", function() p:ftruncate(fd, -1) end)
expect_errno("EBADF", function() p:ftruncate(77, 1) end)
