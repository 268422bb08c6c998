-- Pages of a file that nobody has touched are protected like the others: by markers.
-- Covers: B7
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { len = 2 * PAGE, flags = "shared|anonymous" }
p:write(a + PAGE, "there")
p:uffd_register(u, a, 2 * PAGE, "wp")
p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
expect(p:pagemap(a + PAGE).uffd_wp)
expect(p:pagemap(a).uffd_wp)
p:uffd_writeprotect(u, a, PAGE, "")
expect(not p:pagemap(a).uffd_wp)
