-- A page beyond the end of a file is gone for everybody who maps it, also as a private copy. What
-- is before the end stays.
--
--          0    4    8
--     a    S    S          shared
--     b    C    C          private, both copied
--          |    `- cut
-- Covers: Z1
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, 8 * K)
local a = p:mmap { len = 8 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 8 * K, flags = "private", fd = fd }
p:write(a, "shared")
p:write(b, "copied")
p:write(b + 4 * K, "copied")
p:ftruncate(fd, 4 * K)
expect_signal("SIGBUS", p.load, p, a + 4 * K)
expect_signal("SIGBUS", p.load, p, b + 4 * K)
expect_eq(p:read(b, 6), "copied")
p:ftruncate(fd, 8 * K)
expect(not p:pagemap(b + 4 * K).present)
expect(p:load(b + 4 * K) == 0)
