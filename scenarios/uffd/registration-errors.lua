-- What may be registered, and how it is refused.
-- Covers: B1, B19
local p = process()
local u, v = p:userfaultfd(), p:userfaultfd()
p:uffd_api(u)
p:uffd_api(v)
local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
local function refused(errno, addr, len, mode)
	expect_errno(errno, function() p:uffd_register(u, addr, len, mode) end)
end
refused("EINVAL", a, 4 * PAGE, "")
refused("EINVAL", a, 4 * PAGE, 8)
refused("EINVAL", a + 1, 4 * PAGE, "missing")
refused("EINVAL", a, 4 * PAGE + 1, "missing")
refused("EINVAL", a, 0, "missing")
refused("EINVAL", a, -PAGE, "missing")
refused("EINVAL", 0x20000000, PAGE, "missing")
refused("EINVAL", a, PAGE, "minor")
-- Holes are left out on both sides.
p:uffd_register(u, a - PAGE, 2 * PAGE, "missing")
p:uffd_register(u, a + 6 * PAGE, 4 * PAGE, "missing")
expect_eq(p:layout(a, 10), "w|wwwww|ww..")
p:uffd_unregister(u, a, 8 * PAGE)
expect_eq(p:layout(a, 8), "wwwwwwww")
-- One context a mapping; the same one may come again, with another mode.
p:uffd_register(u, a, 4 * PAGE, "missing")
expect_errno("EBUSY", function() p:uffd_register(v, a, 2 * PAGE, "missing") end)
expect_errno("EBUSY", function() p:uffd_register(v, a + 2 * PAGE, 4 * PAGE, "wp") end)
expect_eq(p:uffd_register(u, a, 2 * PAGE, "missing|wp"),
	"wake|copy|zeropage|move|writeprotect|poison")
expect_eq(p:smaps(a).vmflags, "rd wr mr mw me um uw ac")
p:uffd_register(u, a, 4 * PAGE, "wp")
expect_eq(p:layout(a, 8), "ww|ww|wwww")
expect_errno("EINVAL", function() p:uffd_unregister(v, a, 4 * PAGE) end)
expect_errno("EINVAL", function() p:uffd_unregister(u, 0x20000000, PAGE) end)
expect_errno("EINVAL", function() p:uffd_unregister(u, a, 100) end)
-- Without the right to write the file, a shared mapping cannot be filled.
local fd = p:open("ro", "rdwr|creat")
p:pwrite(fd, "x")
local f = p:mmap { len = PAGE, flags = "shared", fd = fd }
refused("EINVAL", f, PAGE, "missing")
refused("EINVAL", f, PAGE, "wp")
local s = p:memfd_create("sealed", "allow_sealing")
p:ftruncate(s, PAGE)
p:add_seals(s, "write")
local r = p:mmap { len = PAGE, prot = "r", flags = "shared", fd = s }
refused("EPERM", r, PAGE, "missing")
refused("EPERM", r, PAGE, "wp")
