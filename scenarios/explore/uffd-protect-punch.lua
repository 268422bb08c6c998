-- only: model (what happens depends on the order)
-- A page is protected while a hole is punched there: an entry that was protected, or that was none
-- by then, is a marker at the end, and the hole reads as zeros, protected.
-- Covers: B7, Z2
local p = process()
local fd = p:memfd_create("hole")
p:ftruncate(fd, PAGE)
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:store(a, 7)
p:uffd_register(u, a, PAGE, "wp")

concurrent(function()
	p:uffd_writeprotect(u, a, PAGE, "wp")
end, function()
	p:fallocate(fd, "punch_hole|keep_size", 0, PAGE)
end)
expect(p:pagemap(a).uffd_wp and not p:pagemap(a).present)
expect_eq(p:load(a), 0)
expect_signal("SIGBUS", p.store, p, a, 1)
