-- A hole punched into a memfd takes the pages out of shared mappings, but not what private ones
-- have copied; what is punched within a page is zeroed in place.
--
--     file    0    4    8   12   16
--     a       A    ·    ·    D            a hole from 4K to 12K
--     b            b                      a private copy of page 1 survives
-- Covers: P1, Z2
local p = process()
local fd = p:memfd_create("holes")
p:ftruncate(fd, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 16 * K, flags = "private", fd = fd }
for i = 0, 3 do
	p:write(a + i * 4 * K, ("%x"):format(10 + i):rep(4 * K))
	p:load(b + i * 4 * K)
end
p:write(b + 4 * K, "copy")
p:fallocate(fd, "punch_hole|keep_size", 4 * K, 8 * K)
expect_eq(p:mincore(a, 16 * K), "1001")
expect(p:load(a + 4 * K) == 0 and p:load(a + 8 * K) == 0)
expect_eq(p:read(b + 4 * K, 5), "copyb")
expect(p:load(b + 8 * K) == 0)
-- Parts of pages.
p:fallocate(fd, "punch_hole|keep_size", 100, 200)
expect_eq(p:read(a + 99, 2), "a\0")
expect_eq(p:read(a + 299, 2), "\0a")
p:fallocate(fd, "punch_hole|keep_size", 16 * K - 10, 4 * K)
expect_eq(p:read(a + 16 * K - 11, 2), "d\0")
expect_eq(p:fsize(fd), 16 * K)
-- The same through the mapping.
p:madvise(a, 4 * K, "remove")
expect(p:load(a) == 0)
expect_errno("EACCES", function() p:madvise(b, 4 * K, "remove") end)
-- What cannot be.
expect_errno("EOPNOTSUPP", function() p:fallocate(fd, "punch_hole", 0, 4 * K) end)
expect_errno("EINVAL", function() p:fallocate(fd, "punch_hole|keep_size", 0, 0) end)
expect_errno("EINVAL", function() p:fallocate(fd, "punch_hole|keep_size", -1, 4 * K) end)
expect_errno("EBADF", function() p:fallocate(42, 0, 0, 4 * K) end)
