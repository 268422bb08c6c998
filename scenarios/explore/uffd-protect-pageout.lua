-- only: model (what happens depends on the order)
-- A page is protected while reclaim takes it: the protection is in the page's entry or in the
-- slot's, and comes back with the data.
-- Covers: B10, B7
local p = process()
p:swapon(64)
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp")
local a = p:mmap { len = PAGE }
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
