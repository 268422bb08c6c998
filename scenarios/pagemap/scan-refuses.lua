-- What PAGEMAP_SCAN refuses, in the order in which it looks.
-- Covers: G1, B19
-- needs: 47-bit addresses
local p = process()
local a = p:mmap { len = 4 * PAGE }
local top = 0x7ffffffff000
p:store(a, 1)

local function scan(args)
	args.start, args.len = args.start or a, args.len or 4 * PAGE
	return p:pagemap_scan(args)
end
local function refuses(errno, args)
	expect_errno(errno, scan, args)
end

-- Its size, flags and categories that there are not.
refuses("EINVAL", { size = 88 })
refuses("EINVAL", { size = 104 })
refuses("EINVAL", { flags = 4 })
refuses("EINVAL", { flags = "wp_matching|4" })
for _, mask in ipairs { "category_inverted", "category_mask", "category_anyof_mask",
	"return_mask" } do
	refuses("EINVAL", { [mask] = 1 << 9 })
	refuses("EINVAL", { [mask] = 1 << 63 })
end
-- A range that does not begin with a page, or is none.
refuses("EINVAL", { start = a + 1 })
refuses("EINVAL", { start = a + 1, len = -PAGE })
refuses("EFAULT", { len = -PAGE })
refuses("EFAULT", { start = top + PAGE, len = 0 })
refuses("EFAULT", { start = -PAGE, len = 0 })
refuses("EFAULT", { len = top - a + 1 })
scan { start = top, len = 0 }
scan { len = top - a }
-- Room without a place, and room for more than there can be.
refuses("EINVAL", { vec = false, vec_len = 1 })
refuses("EFAULT", { vec_len = 1 << 43 })
refuses("EFAULT", { vec_len = -1 })
refuses("EFAULT", { vec = false, vec_len = 1, len = -PAGE })
-- What userfaultfd does not protect without being asked, if that is checked. What is not mapped
-- does not count, and what was found before is lost.
refuses("EPERM", { flags = "check_wpasync" })
refuses("EPERM", { flags = "check_wpasync|wp_matching" })
refuses("EPERM", { flags = "check_wpasync", start = a - PAGE, len = 2 * PAGE })
expect_eq(#scan { flags = "check_wpasync", start = a - PAGE, len = PAGE }, 0)
expect_eq(#scan { flags = "check_wpasync", len = 0 }, 0)
-- Without the check it is left out when something is to be protected.
expect_eq(#scan { flags = "wp_matching" }, 0)
expect(not p:pagemap(a).uffd_wp)
