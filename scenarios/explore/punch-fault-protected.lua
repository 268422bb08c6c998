-- only: model (what happens depends on the order)
-- explore: --preemptions 2
-- A hole is punched under a page that userfaultfd protects, and somebody writes to it meanwhile:
-- the write is stopped, whichever is first, for the first pass of the punch leaves a marker.
-- Covers: B4, Z2
local p = process()
local fd = p:memfd_create("hole")
p:ftruncate(fd, PAGE)
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "sigbus|pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { len = PAGE, flags = "shared", fd = fd }
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")

concurrent(function()
	local ok, signal = p:try("store", a, 2)
	expect(not ok and signal == "SIGBUS")
end, function()
	p:fallocate(fd, "punch_hole|keep_size", 0, PAGE)
end)

expect(p:load(a) == 0)
expect(p:pagemap(a).uffd_wp)
