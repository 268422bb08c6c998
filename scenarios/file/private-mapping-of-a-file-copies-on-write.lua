-- A private mapping shows the file until it writes: then that page is its own, and the file goes
-- its own way.
--
--     file    0    4    8          S: as in the file   C: a private copy
--     a       S    C    S
-- Covers: P1, P2
local p = process()
local fd = p:memfd_create("private")
p:ftruncate(fd, 12 * K)
p:pwrite(fd, "zero", 0)
p:pwrite(fd, "one", 4 * K)
local a = p:mmap { len = 12 * K, flags = "private", fd = fd }
expect_eq(p:read(a + 4 * K, 3), "one")
expect(p:pagemap(a + 4 * K).file)
p:write(a + 4 * K, "ONE")
expect(not p:pagemap(a + 4 * K).file)
expect(p:pagemap(a + 4 * K).exclusive)
expect_eq(p:pread(fd, 3, 4 * K), "one")
-- What was not written to follows the file, what was does not.
p:pwrite(fd, "ZERO", 0)
p:pwrite(fd, "two", 4 * K)
expect_eq(p:read(a, 4), "ZERO")
expect_eq(p:read(a + 4 * K, 3), "ONE")
expect(p:smaps(a).anonymous == 4 * K)

-- A write without a read before copies at once; a hole of the file is copied as zeros.
p:write(a + 8 * K + 100, "x")
expect_eq(p:read(a + 8 * K + 99, 3), "\0x\0")
expect_eq(p:pread(fd, 1, 8 * K + 100), "\0")

-- The child shares the copies until somebody writes; the file's page is nobody's copy.
local c = p:fork()
c:write(a + 4 * K, "c")
expect_eq(p:read(a + 4 * K, 3), "ONE")
expect_eq(c:read(a + 4 * K, 3), "cNE")
c:write(a, "c")
expect_eq(p:read(a, 4), "ZERO")
expect_eq(p:pread(fd, 4, 0), "ZERO")
-- Dropping the copy brings the file back.
p:madvise(a, 12 * K, "dontneed")
expect_eq(p:read(a + 4 * K, 3), "two")
