-- Cutting and growing a regular file under its mappings, and what is zeroed by that.
-- Covers: P1, P5
local p = process()
local fd = p:open("cut", "rdwr|creat")
p:pwrite(fd, ("x"):rep(12 * K))
local a = p:mmap { len = 12 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 12 * K, flags = "private", fd = fd }
p:write(a + 8 * K, "shared")
p:write(b + 8 * K, "private")
p:ftruncate(fd, 5000)
expect_signal("SIGBUS", p.load, p, a + 8 * K)
expect_signal("SIGBUS", p.load, p, b + 8 * K)
expect_eq(p:read(a + 4999, 3), "x\0\0")
p:ftruncate(fd, 12 * K)
expect(p:load(a + 8 * K) == 0 and p:load(b + 8 * K) == 0)
p:write(a + 8 * K, "new")
expect_eq(p:pread(fd, 4, 8 * K), "new\0")
p:fallocate(fd, "punch_hole|keep_size", 0, 4 * K)
expect(p:load(a) == 0)
expect_eq(p:pread(fd, 2, 4 * K), "xx")
-- Growing by writing at a distance leaves a hole that reads as zeros.
p:pwrite(fd, "far", 40 * K)
expect_eq(p:fsize(fd), 40 * K + 3)
expect_eq(p:pread(fd, 4, 20 * K), "\0\0\0\0")
