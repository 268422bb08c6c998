-- Neighbouring mappings of one file become one when their offsets run on; another file, another
-- offset or another description of access keeps them apart.
--
--     a    0    4    8   12        fd pages 0 1 | 2 3: one     fd 0 1 | 0 1: two     fd | other:
-- two
-- Covers: P1
local p = process()
local fd, other = p:memfd_create("one"), p:memfd_create("other")
p:ftruncate(fd, 32 * K)
p:ftruncate(other, 32 * K)
local a = 0x10000000
local function map(page, pages, file, offset, flags)
	p:mmap { addr = a + page * PAGE, len = pages * PAGE, fd = file, offset = offset * PAGE,
		flags = (flags or "shared") .. "|fixed" }
end
map(0, 2, fd, 0)
map(2, 2, fd, 2)
expect_eq(p:layout(a, 4), "wwww")
map(4, 2, fd, 0)
expect_eq(p:layout(a, 6), "wwww|ww")
map(6, 2, other, 2)
expect_eq(p:layout(a, 8), "wwww|ww|ww")
-- The gap is closed from both sides.
p:munmap(a, 8 * PAGE)
map(0, 1, fd, 0)
map(2, 1, fd, 2)
map(1, 1, fd, 1)
expect_eq(p:layout(a, 3), "www")
-- Split by rights and joined again.
p:mprotect(a + PAGE, PAGE, "r")
expect_eq(p:layout(a, 3), "w|r|w")
p:write(a + 2 * PAGE, "two")
p:mprotect(a + PAGE, PAGE, "rw")
expect_eq(p:layout(a, 3), "www")
-- Private ones too, also when both have pages of their own from different faults.
map(8, 1, fd, 0, "private")
map(10, 1, fd, 2, "private")
p:write(a + 8 * PAGE, "x")
p:write(a + 10 * PAGE, "y")
map(9, 1, fd, 1, "private")
-- The page in between joins one of them; both have pages of different families.
expect_eq(p:layout(a + 8 * PAGE, 3), "ww|w")
p:munmap(a + 9 * PAGE, PAGE)
expect_eq(p:read(a + 10 * PAGE, 3), "ywo")
-- A description of its own of the same file is another file to the kernel.
local c = p:fork()
c:close(fd)
expect_eq(c:read(a + 2 * PAGE, 3), "two")
