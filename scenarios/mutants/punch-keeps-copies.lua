-- A hole takes the pages of a file away, and not what others have written to copies of them.
--
--          0    4
--     a    S    S          shared
--     b    C    R          private: one copied, one only read
-- Covers: Z1
local p = process()
local fd = p:memfd_create("hole")
p:ftruncate(fd, 8 * K)
local a = p:mmap { len = 8 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 8 * K, flags = "private", fd = fd }
p:write(a, "shared")
p:write(a + 4 * K, "shared")
p:write(b, "copied")
expect_eq(p:read(b + 4 * K, 6), "shared")
p:fallocate(fd, "punch_hole|keep_size", 0, 8 * K)
expect(p:load(a) == 0 and p:load(a + 4 * K) == 0)
expect_eq(p:read(b, 6), "copied")
expect(p:load(b + 4 * K) == 0)
