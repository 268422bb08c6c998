-- A fault that begins with a marker ends in its place: the page comes in, still write-protected.
-- Covers: B4, B5
local p = process()
local fd = p:memfd_create("marked")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "cached")
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
expect(not p:pagemap(a).present and p:pagemap(a).uffd_wp)
expect_eq(p:read(a, 6), "cached")
expect(p:pagemap(a).present and p:pagemap(a).uffd_wp)
expect_errno("EAGAIN", function() p:uffd_read(u) end)
