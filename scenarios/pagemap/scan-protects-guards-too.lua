-- PAGEMAP_SCAN with wp_matching over guards and poison: nobody can write there, but each is found
-- once, as written, and protected like any entry. The protection is the entry's: it outlives the
-- registration, goes with the guard, and is not the child's. Dropped poison leaves a marker where
-- shared memory does.
-- Covers: A3, B6, G1, G2
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_async|wp_unpopulated|wp_hugetlbfs_shmem|pagefault_flag_wp|poison")
	p:uffd_register(u, a, 4 * PAGE, "wp|missing")
	p:uffd_poison(u, a, 2 * PAGE)
	p:madvise(a + 2 * PAGE, 2 * PAGE, "guard_install")
	local function picture(process)
		local letters = {}
		for i, page in ipairs((process or p):pagemap(a, 4)) do
			letters[i] = (page.guard and "g" or page.swapped and "s" or ".") ..
				(page.uffd_wp and "w" or "")
		end
		return table.concat(letters, " ")
	end
	local function scan()
		local words = {}
		for i, r in ipairs((p:pagemap_scan { start = a, len = 4 * PAGE,
			flags = "wp_matching", category_mask = "written" })) do
			words[i] = ("%d-%d:%s"):format((r.start - a) // PAGE, (r.stop - a) // PAGE,
				r.categories)
		end
		return table.concat(words, " ")
	end

	expect_eq(picture(), "s s g g")
	expect_eq(scan(), "0-2:wpallowed|written|swapped 2-4:wpallowed|written|swapped|guard")
	expect_eq(picture(), "sw sw gw gw")
	expect_eq(scan(), "")
	-- Accesses end as before, and the handler's other call does not lift it.
	expect_signal("SIGBUS", function() p:store(a, 1) end)
	expect_signal("SIGSEGV", function() p:store(a + 2 * PAGE, 1) end)
	p:uffd_writeprotect(u, a, 4 * PAGE, "")
	expect_eq(picture(), "sw sw gw gw")
	-- A child has guard and poison as they were made.
	local c = p:fork()
	expect_eq(picture(c), "s s g g")
	c:exit()
	p:madvise(a + PAGE, PAGE, "dontneed")
	p:madvise(a + 3 * PAGE, PAGE, "guard_remove")
	expect_eq(picture(), flags:find("shared") and "sw sw gw ." or "sw . gw .")
	p:uffd_unregister(u, a, 4 * PAGE)
	expect_eq(picture(), "sw . gw .")
	p:munmap(a, 4 * PAGE)
	p:close(u)
end
