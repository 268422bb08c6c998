-- UFFDIO_MOVE takes pages from one place and puts them, uncopied, where they are missing.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "move")
local src = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
local dst = p:mmap { addr = 0x20000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
p:write(src, "one")
p:write(src + PAGE, "two")
p:uffd_register(u, dst, 4 * PAGE, "missing")
expect_eq(p:uffd_move(u, dst, src, 2 * PAGE), 2 * PAGE)
expect_eq(p:read(dst, 3), "one")
expect_eq(p:read(dst + PAGE, 3), "two")
expect(not p:pagemap(src).present and p:load(src) == 0)
expect(p:pagemap(dst).exclusive)
local function refused(errno, ...)
	local arguments = { ... }
	expect_errno(errno, function() p:uffd_move(u, table.unpack(arguments)) end)
end
p:write(src + 2 * PAGE, "three")
refused("EEXIST", dst, src + 2 * PAGE, PAGE)
refused("ENOENT", dst + 3 * PAGE, src + 3 * PAGE, PAGE)
expect_eq(p:uffd_move(u, dst + 2 * PAGE, src + 2 * PAGE, 2 * PAGE, "allow_src_holes"), 2 * PAGE)
expect_eq(p:read(dst + 2 * PAGE, 5), "three")
refused("EINVAL", dst + 1, src, PAGE)
refused("EINVAL", dst, src, 0)
refused("EINVAL", dst, src, PAGE, 8)
refused("ENOENT", dst, 0x30000000, PAGE)
-- A page that a child shares is not only ours.
p:write(src, "shared")
local c = p:fork()
p:madvise(dst, PAGE, "dontneed")
refused("EBUSY", dst, src, PAGE)
c:exit()
