-- A regular file: what is written through a shared mapping is read by pread at once and is in the
-- file after msync or fsync; what is written by pwrite is seen in the mapping.
-- Covers: P1
local p = process()
local fd = p:open("data", "rdwr|creat|trunc")
p:pwrite(fd, ("a"):rep(4 * K) .. ("b"):rep(100))
expect_eq(p:fsize(fd), 4 * K + 100)
local a = p:mmap { len = 12 * K, flags = "shared", fd = fd }
expect_eq(p:maps(a).name, "/data")
expect_eq(p:read(a + 4 * K + 99, 2), "b\0")
p:write(a, "mapped")
expect_eq(p:pread(fd, 7, 0), "mappeda")
p:pwrite(fd, "file", 4 * K)
expect_eq(p:read(a + 4 * K, 5), "fileb")
p:msync(a, 12 * K, "sync")
p:write(a, "again!")
p:msync(a, 4 * K, "async")
p:fsync(fd)
-- Another description of the same file, opened for reading.
local r = p:open("data", "rdonly")
expect_eq(p:pread(r, 6, 0), "again!")
expect_errno("EBADF", function() p:pwrite(r, "x", 0) end)
expect_errno("EACCES", function() p:mmap { len = 4 * K, flags = "shared", fd = r } end)
local b = p:mmap { len = 4 * K, flags = "private", fd = r }
p:write(b, "mine")
expect_eq(p:pread(r, 6, 0), "again!")
local ro = p:mmap { len = 4 * K, prot = "r", flags = "shared", fd = r }
expect_errno("EACCES", function() p:mprotect(ro, 4 * K, "rw") end)
expect_signal("SIGSEGV", p.store, p, ro, 1)
-- Beyond the last page there is nothing.
expect(expect_signal("SIGBUS", p.load, p, a + 8 * K).code == "BUS_ADRERR")
expect_errno("ENOENT", function() p:open("no such file", "rdonly") end)
