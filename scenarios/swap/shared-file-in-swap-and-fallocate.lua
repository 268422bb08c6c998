-- Pages made ahead by fallocate and never used, and pages of a file that nobody maps, next to
-- pages in swap.
-- Covers: P3, Z2
local p = process()
p:swapon(256)
local fd = p:memfd_create("mixed")
p:fallocate(fd, 0, 0, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
p:write(a + 4 * K, "used")
p:madvise(a, 16 * K, "pageout")
expect(p:smaps(a).swap == 4 * K)
local _, blocks = p:fsize(fd)
expect_eq(blocks, 32)
p:fallocate(fd, 0, 0, 16 * K)
expect_eq(p:pread(fd, 4, 4 * K), "used")
p:madvise(a, 16 * K, "pageout")
local c = p:fork()
p:exit()
expect_eq(c:read(a + 4 * K, 4), "used")
c:munmap(a, 16 * K)
expect_eq(c:pread(fd, 4, 4 * K), "used")
c:ftruncate(fd, 4 * K + 2)
c:ftruncate(fd, 16 * K)
expect_eq(c:pread(fd, 4, 4 * K), "us\0\0")
