-- A memfd mapped shared is one set of pages: what is written through one mapping is read through
-- every other, by pread, and in children that did not copy anything.
--
--     fd   0    4    8   12        pages of the file
--     a    A    B    ·    D        written: through a, by pwrite, by the child
--     b         B    ·             the same pages at another address and offset
-- Covers: P1
local p = process()
local fd = p:memfd_create("shared")
p:ftruncate(fd, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 8 * K, flags = "shared", fd = fd, offset = 4 * K }
p:write(a, "first")
p:pwrite(fd, "second", 4 * K)
expect_eq(p:read(b, 6), "second")
p:write(b, "SECOND")
expect_eq(p:pread(fd, 6, 4 * K), "SECOND")
expect_eq(p:read(a + 4 * K, 6), "SECOND")

local c = p:fork()
c:write(a + 12 * K, "child")
expect_eq(p:pread(fd, 5, 12 * K), "child")
-- A hole reads as zeros, and the read makes a page of it in the mapping, not in a pread.
expect_eq(p:pread(fd, 4, 8 * K), "\0\0\0\0")
expect_eq(p:mincore(a, 16 * K), "1101")
expect(p:load(a + 8 * K) == 0)
expect_eq(p:mincore(a, 16 * K), "1111")

expect_eq(p:maps(a).name, "/memfd:shared (deleted)")
expect_eq(p:maps(a).perms, "rw-s")
expect(p:pagemap(a).file and p:pagemap(a).present and p:pagemap(a + 12 * K).file)
-- The page that was only read is clean.
expect(p:smaps(a).rss == 16 * K)
expect(p:smaps(a).shared_dirty + p:smaps(a).private_dirty == 12 * K)
expect(p:status().rssshmem == p:status().vmrss)
c:exit()
p:munmap(a, 16 * K)
expect_eq(p:read(b, 6), "SECOND")
