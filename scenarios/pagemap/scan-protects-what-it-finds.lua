-- PAGEMAP_SCAN with wp_matching: it protects what it reports and no more, unless nobody wants a
-- report; then it protects all that has a table. What userfaultfd does not protect with wp_async is
-- left out. An entry that holds a swap slot, and one that holds nothing, are protected like a page.
--
--     0  1  2  3  4  5  6  7
--     W  W  .  r  W  s  .  W           written, untouched, read, swapped out
-- Covers: B7, B17, G1, G2
local p = process()
p:swapon(64)
local features = "wp_async|wp_unpopulated|wp_hugetlbfs_shmem|pagefault_flag_wp"
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local a, u
	local function fresh()
		if a then
			p:munmap(a, 8 * PAGE)
			p:close(u)
		end
		u = p:userfaultfd("nonblock")
		p:uffd_api(u, features)
		a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed" }
		for _, page in ipairs { 0, 1, 4, 5, 7 } do
			p:store(a + page * PAGE, 1)
		end
		p:load(a + 3 * PAGE)
		p:madvise(a + 5 * PAGE, PAGE, "pageout")
		p:uffd_register(u, a, 8 * PAGE, "wp")
	end
	local function scan(args)
		args.start, args.len = args.start or a, args.len or 8 * PAGE
		args.flags, args.return_mask = args.flags or "wp_matching", 0
		return #p:pagemap_scan(args)
	end
	local function protected()
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 8)) do
			letters[i] = page.uffd_wp and "P" or "."
		end
		return table.concat(letters)
	end
	local shared = flags:find("shared")

	fresh()
	expect_eq(protected(), "........")
	expect_eq(scan { category_mask = "present" }, 3)
	expect_eq(protected(), "PP.PP..P")
	-- What is protected is no longer written, so it is not found again.
	expect_eq(scan { category_mask = "written" }, 2)
	expect_eq(protected(), "PPPPPPPP")
	expect_eq(scan { category_mask = "written" }, 0)

	-- Swapped out: the slot is in the entry, or nothing is.
	fresh()
	expect_eq(scan { category_mask = "swapped" }, shared and 0 or 1)
	expect_eq(protected(), shared and "........" or ".....P..")
	-- What matches but is not written stays as it is, and still takes its place in the report.
	p:uffd_writeprotect(u, a, PAGE, "wp")
	expect_eq(scan { category_mask = "present", max_pages = 2 }, 1)
	expect_eq(protected(), shared and "PP......" or "PP...P..")

	-- What did not fit was not protected.
	fresh()
	expect_eq(scan { vec_len = 1, category_mask = "present" }, 1)
	expect_eq(protected(), "PP......")
	expect_eq(scan { max_pages = 3, category_mask = "written" }, 1)
	expect_eq(protected(), "PPPPP...")

	-- Without room for a report the masks mean nothing where there is a table,
	fresh()
	expect_eq(scan { vec_len = 0, category_mask = "swapped|huge", max_pages = 1 }, 0)
	expect_eq(protected(), "PPPPPPPP")
	fresh()
	expect_eq(scan { vec = false, category_mask = "present", len = 3 * PAGE }, 0)
	expect_eq(protected(), "PPP.....")
	-- and where there is none they do.
	local b = p:mmap { addr = 0x20000000, len = 2 * PAGE, flags = flags .. "|fixed" }
	p:uffd_register(u, b, 2 * PAGE, "wp")
	expect_eq(scan { start = b, len = 2 * PAGE, vec = false, category_mask = "present" }, 0)
	expect(not p:pagemap(b).uffd_wp)
	expect_eq(scan { start = b, len = 2 * PAGE, category_mask = "written", max_pages = 1 }, 1)
	expect(p:pagemap(b).uffd_wp and not p:pagemap(b + PAGE).uffd_wp)
	p:munmap(b, 2 * PAGE)

	-- Where a handler is told, and where there is none, nothing is protected.
	fresh()
	p:uffd_unregister(u, a + 4 * PAGE, 4 * PAGE)
	local told = p:userfaultfd("nonblock")
	p:uffd_api(told, "pagefault_flag_wp|wp_hugetlbfs_shmem")
	p:uffd_register(told, a + 6 * PAGE, 2 * PAGE, "wp")
	expect_eq(scan { category_mask = "written" }, 1)
	expect_eq(protected(), "PPPP....")
	expect_errno("EPERM", function()
		scan { category_mask = "written", flags = "wp_matching|check_wpasync" }
	end)
	expect_eq(scan { flags = 0, category_mask = "wpallowed" }, 1)
	expect_eq(scan { flags = 0, category_mask = "wpallowed",
		category_inverted = "wpallowed" }, 1)
	p:close(told)
end
