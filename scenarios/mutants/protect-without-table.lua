-- Protection reaches what has no page table yet: one is made for the markers.
-- Covers: B7
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { addr = 0x40000000, len = PAGE, flags = "shared|anonymous|fixed" }
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
expect(p:pagemap(a).uffd_wp)
