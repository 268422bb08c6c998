-- Rights of mappings of a file come and go as for any memory; a private mapping made writable
-- copies, a shared one writes the file.
-- Covers: P1
local p = process()
local fd = p:memfd_create("rights")
p:ftruncate(fd, 8 * K)
p:pwrite(fd, "file")
local s = p:mmap { len = 8 * K, prot = "r", flags = "shared", fd = fd }
local v = p:mmap { len = 8 * K, prot = "r", flags = "private", fd = fd }
expect_eq(p:read(s, 4), "file")
expect_eq(p:read(v, 4), "file")
expect_signal("SIGSEGV", p.store, p, s, 1)
p:mprotect(v, 4 * K, "rw")
p:write(v, "copy")
expect_eq(p:read(s, 4), "file")
p:mprotect(s, 4 * K, "rw")
p:write(s, "FILE")
expect_eq(p:pread(fd, 4), "FILE")
expect_eq(p:read(v, 4), "copy")
p:mprotect(s, 8 * K, "none")
expect_signal("SIGSEGV", p.load, p, s)
expect(p:pagemap(s).present)
p:mprotect(s, 8 * K, "rwx")
p:write(s + 4 * K, "\x90")
p:exec(s + 4 * K)
expect_eq(p:layout(s, 2), "XX")
