-- A moved mapping of a file keeps its offsets, and its private copies; it grows along the file.
-- Covers: P1
local p = process()
local fd = p:memfd_create("moved")
p:ftruncate(fd, 64 * K)
for i = 0, 15 do
	p:pwrite(fd, ("%02d"):format(i), i * PAGE)
end
local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = "shared|fixed", fd = fd,
	offset = 4 * PAGE }
expect_eq(p:read(a, 2), "04")
p:mremap(a, 4 * PAGE, 6 * PAGE)
expect_eq(p:read(a + 5 * PAGE, 2), "09")
local b = p:mremap(a + 2 * PAGE, 2 * PAGE, 4 * PAGE, "maymove|fixed", 0x20000000)
expect_eq(p:read(b + 3 * PAGE, 2), "09")
expect_eq(p:layout(a, 6), "ww..ww")
-- The old place of a mapping that is moved with dontunmap shows the file as well.
local c = p:mremap(b, 4 * PAGE, 4 * PAGE, "maymove|dontunmap|fixed", 0x30000000)
p:write(c, "new")
expect_eq(p:read(b, 3), "new")

local d = p:mmap { addr = 0x40000000, len = 4 * PAGE, flags = "private|fixed", fd = fd }
p:write(d + PAGE, "mine")
p:load(d + 2 * PAGE)
local e = p:mremap(d, 4 * PAGE, 4 * PAGE, "maymove|fixed", 0x50000000)
expect_eq(p:read(e + PAGE, 4), "mine")
expect_eq(p:read(e + 2 * PAGE, 2), "02")
expect_errno("EINVAL", function() p:mremap(e, 0, 4 * PAGE, "maymove") end)
-- Shrunk, and grown again over what the file has.
p:mremap(e, 4 * PAGE, PAGE)
p:mremap(e, PAGE, 3 * PAGE)
expect_eq(p:read(e + PAGE, 2), "01")
