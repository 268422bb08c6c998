-- mprotect goes through a range mapping by mapping. A hole ends it with ENOMEM, and what lies
-- before the hole has its new rights by then.
--
--          0    4    8
--     a    WW|RR·WW·
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local a = 0x10000000
local function map(page, pages, prot)
	p:mmap { addr = a + page * PAGE, len = pages * PAGE, prot = prot,
		flags = "private|anonymous|fixed" }
end
map(0, 2, "rw")
map(2, 2, "r")
map(5, 2, "rw")
expect_errno("ENOMEM", function() p:mprotect(a, 8 * PAGE, "none") end)
expect_eq(p:layout(a, 8), "----.ww.")
-- A range that begins in a hole changes nothing.
expect_errno("ENOMEM", function() p:mprotect(a + 4 * PAGE, 2 * PAGE, "r") end)
expect_errno("ENOMEM", function() p:mprotect(a + 7 * PAGE, PAGE, "r") end)
expect_errno("ENOMEM", function() p:mprotect(a - PAGE, 2 * PAGE, "r") end)
expect_eq(p:layout(a, 8), "----.ww.")

-- Arguments that make no sense: the address, then a length that wraps around, then the rights.
expect_errno("EINVAL", function() p:mprotect(a + 1, PAGE, "r") end)
expect_errno("ENOMEM", function() p:mprotect(a, -PAGE, "r") end)
expect_errno("ENOMEM", function() p:mprotect(a, -1, "r") end)
expect_errno("EINVAL", function() p:mprotect(a, PAGE, 0x10) end)
expect_errno("EINVAL", function() p:mprotect(a, PAGE, "r|growsdown|growsup") end)
expect_errno("ENOMEM", function() p:mprotect(a, -PAGE, 0x10) end)
expect_errno("EINVAL", function() p:mprotect(a + 1, -PAGE, "r") end)
expect_errno("ENOMEM", function() p:mprotect(0x7ffffffff000, PAGE, "r") end)
-- PROT_SEM is accepted and means nothing.
p:mprotect(a, PAGE, "rw|sem")
expect_eq(p:layout(a, 8), "w|---.ww.")

-- Memory that was not to be written is not promised. Making it writable asks for the promise, and
-- may not get it; the rights stay as they were. (vm.overcommit_memory is 0 here.)
local big = p:mmap { len = 0x400000000000, prot = "r" }
expect_errno("ENOMEM", function() p:mprotect(big, 0x400000000000, "rw") end)
expect(p:maps(big).perms == "r--p")
p:mprotect(big, 16 * PAGE, "rw")
expect_eq(p:layout(big, 18), "wwwwwwwwwwwwwwww|rr")
-- The promise is taken back if it was not made use of, and kept once there is a page.
expect(p:smaps(big).vmflags == "rd wr mr mw me ac")
p:mprotect(big, 8 * PAGE, "none")
expect(p:smaps(big).vmflags == "mr mw me")
p:store(big + 8 * PAGE, 1)
p:mprotect(big + 8 * PAGE, 8 * PAGE, "none")
expect(p:smaps(big + 8 * PAGE).vmflags == "mr mw me ac")
expect_eq(p:layout(big, 18), "--------|--------|rr")
