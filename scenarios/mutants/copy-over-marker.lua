-- A marker of write protection says nothing about the page: UFFDIO_COPY puts one there.
-- Covers: B9
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, "s")
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp|missing_shmem|wp_hugetlbfs_shmem")
local a = p:mmap { len = PAGE, flags = "shared|anonymous" }
p:uffd_register(u, a, PAGE, "missing|wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
expect(not p:pagemap(a).present and p:pagemap(a).uffd_wp)
expect_eq(p:uffd_copy(u, a, src, PAGE), PAGE)
expect(p:pagemap(a).present and not p:pagemap(a).uffd_wp)
