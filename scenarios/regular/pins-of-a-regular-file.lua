-- A long-term pin for writing of a page that a file system writes back is refused; a private copy
-- is anonymous memory and may be pinned.
-- Covers: R3
local p = process()
local fd = p:open("pinned", "rdwr|creat")
p:pwrite(fd, ("f"):rep(8 * K))
local a = p:mmap { len = 8 * K, flags = "shared", fd = fd }
expect_errno("EFAULT", function() p:pin(a, 4 * K) end)
local b = p:mmap { len = 8 * K, flags = "private", fd = fd }
local pin = p:pin(b, 8 * K)
p:write(b, "mine")
expect_eq(p:pread(fd, 4), "ffff")
p:unpin(pin)
