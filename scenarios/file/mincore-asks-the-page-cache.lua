-- For a file mincore tells what is in memory, mapped here or not: also for a private mapping, but
-- for the pages that it has copied.
--
--     file    0    4    8   12    pages 0 and 2 have been written through the descriptor
-- Covers: P1, A3
local p = process()
local fd = p:memfd_create("cached")
p:ftruncate(fd, 16 * K)
p:pwrite(fd, "x", 0)
p:pwrite(fd, "x", 8 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 16 * K, prot = "r", flags = "private", fd = fd }
expect_eq(p:mincore(a, 16 * K), "1010")
expect_eq(p:mincore(b, 16 * K), "1010")
p:load(a + 12 * K)
expect_eq(p:mincore(b, 16 * K), "1011")
p:madvise(a, 16 * K, "dontneed")
expect_eq(p:mincore(a, 16 * K), "1011")
p:fallocate(fd, "punch_hole|keep_size", 0, 4 * K)
expect_eq(p:mincore(a, 16 * K), "0011")
p:mprotect(b, 16 * K, "rw")
p:write(b, "copy")
-- The copy is in memory; the page of the file that it was made of too.
expect_eq(p:mincore(b, 4 * K), "1")
p:madvise(a + 4 * K, 4 * K, "guard_install")
expect_eq(p:mincore(a, 16 * K), "1011")
