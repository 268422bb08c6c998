-- Write protection goes out with a page and comes back with it: by the swap entry of private
-- memory, by a marker of shared memory.
-- Covers: B10, B11, Z2
local p = process()
p:swapon(64)
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus|pagefault_flag_wp|wp_hugetlbfs_shmem")
	local a = p:mmap { len = 2 * PAGE, flags = flags }
	p:write(a, "here")
	p:write(a + PAGE, "free")
	p:uffd_register(u, a, 2 * PAGE, "wp")
	p:uffd_writeprotect(u, a, PAGE, "wp")
	p:madvise(a, 2 * PAGE, "pageout")
	expect(not p:pagemap(a).present and p:pagemap(a).uffd_wp)
	expect(not p:pagemap(a + PAGE).uffd_wp)
	expect_signal("SIGBUS", p.store, p, a, 1)
	expect_eq(p:read(a, 4), "here")
	p:write(a + PAGE, "more")
	p:close(u)
	p:munmap(a, 2 * PAGE)
end
