-- fallocate makes pages before anybody touches them, inside the size or (keep_size) beyond it.
-- Covers: P1
local p = process()
local fd = p:memfd_create("ahead")
p:fallocate(fd, 0, 4 * K, 8 * K)
local size, blocks = p:fsize(fd)
expect(size == 12 * K and blocks == 16)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
-- They are there, but hold nothing yet: to mincore they are not in memory until they are used.
expect_eq(p:mincore(a, 16 * K), "0000")
expect(p:load(a + 4 * K) == 0)
expect_eq(p:mincore(a, 16 * K), "0100")
p:fallocate(fd, "keep_size", 12 * K, 4 * K)
size, blocks = p:fsize(fd)
expect(size == 12 * K and blocks == 24)
expect_signal("SIGBUS", p.load, p, a + 12 * K)
p:ftruncate(fd, 16 * K)
expect(p:load(a + 12 * K) == 0)
expect_errno("EOPNOTSUPP", function() p:fallocate(fd, "zero_range", 0, 4 * K) end)
expect_errno("EOPNOTSUPP", function() p:fallocate(fd, "collapse_range", 0, 4 * K) end)
expect_errno("EFBIG", function() p:fallocate(fd, 0, 0x7fffffffffffffff - 4 * K, 8 * K) end)
