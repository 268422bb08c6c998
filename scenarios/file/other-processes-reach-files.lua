-- process_vm_readv and _writev on mappings of files: they fault pages in as the process itself
-- would, and stop where it would get a signal.
-- Covers: P1, N4
local p, q = process(), process()
local fd = p:memfd_create("reached")
p:ftruncate(fd, 8 * K)
p:pwrite(fd, ("f"):rep(8 * K))
local a = p:mmap { len = 12 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 8 * K, flags = "private", fd = fd }
expect_eq(q:vm_readv(p, { { a, 4 } }), "ffff")
expect(q:vm_writev(p, { { a + 4 * K, 4 } }, "QQQQ") == 4)
expect_eq(p:pread(fd, 5, 4 * K), "QQQQf")
expect(q:vm_writev(p, { { b, 4 } }, "copy") == 4)
expect_eq(p:read(b, 5), "copyf")
expect_eq(p:pread(fd, 4), "ffff")
-- The part before the end of the file is transferred.
expect_eq(#q:vm_readv(p, { { a + 4 * K, 8 * K } }), 4 * K)
expect_errno("EFAULT", function() q:vm_readv(p, { { a + 8 * K, 1 } }) end)
p:mprotect(a, 4 * K, "r")
expect_errno("EFAULT", function() q:vm_writev(p, { { a, 4 } }, "none") end)
