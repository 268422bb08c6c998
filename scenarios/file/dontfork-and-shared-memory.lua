-- What fork does to mappings of files, by advice.
-- Covers: P1, B12
local p = process()
local fd = p:memfd_create("forked")
p:ftruncate(fd, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 16 * K, flags = "private", fd = fd }
p:write(a, "shared")
p:write(b, "private")
p:load(b + 4 * K)
p:madvise(a + 8 * K, 8 * K, "dontfork")
expect_errno("EINVAL", function() p:madvise(b, 16 * K, "wipeonfork") end)
local c = p:fork()
expect_eq(c:layout(a, 4), "ww..")
expect_eq(c:read(b, 7), "private")
-- A shared mapping's entries are not copied: the child faults them in.
expect(not c:pagemap(a).present)
expect(c:pagemap(b).present)
c:write(a, "SHARED")
expect_eq(p:read(a, 6), "SHARED")
c:ftruncate(fd, 4 * K)
expect_signal("SIGBUS", p.load, p, b + 4 * K)
expect_eq(p:read(b, 7), "private")
