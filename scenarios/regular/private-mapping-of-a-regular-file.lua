-- A private mapping of a regular file: copies on write, follows the file otherwise, and never
-- writes it.
-- Covers: P1, P2
local p = process()
local fd = p:open("private", "rdwr|creat")
p:pwrite(fd, ("f"):rep(12 * K))
local a = p:mmap { len = 12 * K, flags = "private", fd = fd }
p:load(a + 4 * K)
p:write(a, "copy")
p:pwrite(fd, "FILE", 4 * K)
expect_eq(p:read(a + 4 * K, 5), "FILEf")
expect_eq(p:pread(fd, 4), "ffff")
local c = p:fork()
c:write(a, "C")
expect_eq(p:read(a, 4), "copy")
p:msync(a, 12 * K, "sync")
p:fsync(fd)
expect_eq(p:pread(fd, 4), "ffff")
p:madvise(a, 4 * K, "dontneed")
expect_eq(p:read(a, 4), "ffff")
expect_eq(c:read(a, 5), "Copyf")
