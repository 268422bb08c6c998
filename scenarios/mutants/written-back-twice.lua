-- After a page of a file was written back, the next write to it is noticed, and written back too.
-- Covers: P1
local p = process()
local fd = p:open("twice", "rdwr|creat|trunc")
p:ftruncate(fd, 4 * K)
local a = p:mmap { len = 4 * K, flags = "shared", fd = fd }
p:write(a, "first")
p:msync(a, 4 * K, "sync")
p:write(a, "again")
p:fsync(fd)
expect_eq(p:pread(fd, 5), "again")
