-- only: model (pagemap as it was proposed, an option of the machine)
-- With pagemap_marker_swap=off a marker shows the protection and nothing else; pages that are in
-- swap, and guards, look as ever. accurate_shmem_swap says of a protected page too whether it is in
-- swap.
-- Covers: G2, G3
machine { pagemap_marker_swap = "off", accurate_shmem_swap = "on" }
local p = process()
p:swapon(64)
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "pagefault_flag_wp|wp_unpopulated|wp_hugetlbfs_shmem")
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	p:store(a, 1)
	p:store(a + PAGE, 1)
	p:madvise(a + 2 * PAGE, PAGE, "guard_install")
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	p:madvise(a + PAGE, PAGE, "pageout")
	local seen = {}
	for i, page in ipairs(p:pagemap(a, 4)) do
		seen[i] = (page.present and "p" or "") .. (page.swapped and "s" or "") ..
			(page.guard and "g" or "") .. (page.uffd_wp and "w" or "")
	end
	expect_eq(table.concat(seen, " "), "pw sw sg w")
	-- What is scanned has a marker swapped all the same.
	local regions = p:pagemap_scan { start = a + 3 * PAGE, len = PAGE }
	expect_eq(regions[1].categories, "swapped")
	p:munmap(a, 4 * PAGE)
	p:close(u)
end
