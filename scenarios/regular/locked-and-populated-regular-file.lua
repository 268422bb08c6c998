-- Locking and populating bring a file in; beyond its end there is nothing to bring.
-- Covers: P1
local p = process()
local fd = p:open("locked", "rdwr|creat")
p:pwrite(fd, ("f"):rep(16 * K))
p:fsync(fd)
local a = p:mmap { len = 16 * K, flags = "shared|populate", fd = fd }
expect_eq(p:mincore(a, 16 * K), "1111")
local b = p:mmap { len = 16 * K, prot = "r", flags = "private", fd = fd }
p:mlock(b, 16 * K)
expect(p:status().vmlck == 16 * K)
p:munlock(b, 16 * K)
p:madvise(b, 16 * K, "populate_read")
expect_eq(p:read(b, 1), "f")
local c = p:mmap { len = 20 * K, flags = "shared", fd = fd }
expect_errno("EFAULT", function() p:madvise(c, 20 * K, "populate_write") end)
p:madvise(c, 16 * K, "remove")
expect(p:load(a) == 0)
