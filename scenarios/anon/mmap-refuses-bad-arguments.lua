-- Which error mmap gives for which argument, and which it gives when several are wrong at once.
-- Covers: P1
local p = process()
local private, fixed = "private|anonymous", "private|anonymous|fixed"
local function refused(errno, args)
	expect_errno(errno, function() p:mmap(args) end)
end

-- Lengths: none, one that rounds up to nothing, more than there is of user space.
refused("EINVAL", { len = 0 })
refused("ENOMEM", { len = -1 })
refused("ENOMEM", { len = -PAGE })
refused("ENOMEM", { len = 0x7ffffffff001, prot = "none" })
refused("ENOMEM", { len = 0x7fffffffe000, prot = "none" })

-- Fixed addresses: not at a page, past the end (which is looked at first).
refused("EINVAL", { addr = 0x10000001, len = PAGE, flags = fixed })
refused("ENOMEM", { addr = 0x7fffffffe000, len = 2 * PAGE, flags = fixed })
refused("ENOMEM", { addr = 0x7fffffffe001, len = PAGE, flags = fixed })
refused("ENOMEM", { addr = -PAGE, len = PAGE, flags = fixed })
refused("ENOMEM", { addr = 0x7fffffffe000, len = 2 * PAGE,
	flags = "private|anonymous|fixed_noreplace" })

-- Neither private nor shared, or types that mean nothing for memory without a file.
for _, kind in ipairs { 0, "shared_validate", 4, 5, 9, 0xa, 0xb, 0xc, 0xf } do
	local flags = (type(kind) == "string" and "anonymous|" .. kind) or (kind | 0x20)
	refused("EINVAL", { len = PAGE, flags = flags })
end

-- Without MAP_ANONYMOUS the descriptor counts; with it, neither descriptor nor offset do, but an
-- offset within a page is refused before anything else is looked at.
refused("EBADF", { len = PAGE, flags = "private", fd = -1 })
refused("EBADF", { len = 0, flags = "private", fd = 9999 })
refused("EINVAL", { len = PAGE, flags = "private", fd = -1, offset = 1 })
refused("EINVAL", { len = PAGE, offset = 1 })
refused("EINVAL", { len = -1, offset = PAGE - 1 })
local a = p:mmap { len = PAGE, fd = 9999, offset = 7 * PAGE }
expect(p:maps():match("%x+%-%x+ rw%-p 00000000 00:00 0"))

-- What is wrong with the length is said before what is wrong with the address, and that before
-- what is wrong with the kind.
refused("EINVAL", { addr = 1, len = 0, flags = fixed })
refused("ENOMEM", { addr = 1, len = -1, flags = fixed })
refused("ENOMEM", { len = 0x7ffffffff001, flags = 0x20 })
refused("EINVAL", { addr = 0x10000001, len = PAGE, flags = 0x30 })

-- Nothing was mapped by any of these.
expect(p:maps(a).stop - p:maps(a).start == PAGE)
expect(select(2, p:maps():gsub("\n", "")) == 1)

-- Bits that mean nothing are passed over, unlike those of mprotect.
expect(p:mmap { len = PAGE, prot = 3 | 0x100 | 0x40000000 } == a - PAGE)
expect(p:mmap { len = PAGE, flags = private .. "|0x80000000" } == a - 2 * PAGE)
expect(p:mmap { len = PAGE, flags = private .. "|denywrite|executable" } == a - 3 * PAGE)
expect_eq(p:layout(a - 4 * PAGE, 5), ".wwww")
-- MAP_SYNC means something for files alone, but its bit is kept.
expect(p:mmap { len = PAGE, flags = private .. "|sync" } == a - 4 * PAGE)
expect(p:smaps(a - 4 * PAGE).vmflags == "rd wr mr mw me ac sf")
