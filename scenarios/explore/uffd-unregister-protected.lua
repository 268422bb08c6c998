-- only: model (what happens depends on the order)
-- A protected range is unregistered while a thread writes to it. Unregistering wakes who waits for
-- a page, not who waits for protection to go: that is left to UFFDIO_WAKE, as on Linux.
-- Covers: B6, B16, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")

concurrent(function()
	p:store(a, 2)
end, function()
	p:uffd_unregister(u, a, PAGE)
	p:uffd_wake(u, a, PAGE)
end)
expect(p:load(a) == 2 and not p:pagemap(a).uffd_wp)
