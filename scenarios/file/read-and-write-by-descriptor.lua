-- pread stops at the end of the file; pwrite beyond it leaves a hole of zeros, which takes up
-- nothing.
-- Covers: P1
local p = process()
local fd = p:memfd_create("io")
expect_eq(p:pread(fd, 10), "")
p:pwrite(fd, "tail", 10000)
local size, blocks = p:fsize(fd)
expect(size == 10004 and blocks == 8)
expect_eq(p:pread(fd, 10, 9998), "\0\0tail")
expect_eq(p:pread(fd, 4, 100), "\0\0\0\0")
expect_eq(p:pread(fd, 4, 20000), "")
-- Across pages, in one call.
p:pwrite(fd, ("abcdefgh"):rep(1500), 4090)
expect_eq(p:pread(fd, 12, 4090), "abcdefghabcd")
expect_eq(p:fsize(fd), 16090)
expect_eq(p:pread(fd, 12000, 4090), ("abcdefgh"):rep(1500))
expect_eq(p:pwrite(fd, "", 99), 0)
