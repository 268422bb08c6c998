-- only: model (what happens depends on the order)
-- A page of shared memory is protected while reclaim takes it: the entry, or the marker that
-- reclaim leaves or finds no more, says so.
-- Covers: B10, B7
local p = process()
p:swapon(64)
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { len = PAGE, flags = "shared|anonymous" }
p:store(a, 7)
p:uffd_register(u, a, PAGE, "wp")

concurrent(function()
	p:uffd_writeprotect(u, a, PAGE, "wp")
end, function()
	p:madvise(a, PAGE, "pageout")
end)

verify()
expect(p:pagemap(a).uffd_wp)
expect(p:load(a) == 7 and p:pagemap(a).uffd_wp)
