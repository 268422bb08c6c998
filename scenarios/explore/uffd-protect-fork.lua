-- only: model (what happens depends on the order)
-- A page is protected while fork copies it: protected in the parent, and a page like any other in
-- the child, which nobody is told of.
-- Covers: B12, B15
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")
local c

concurrent(function()
	p:uffd_writeprotect(u, a, PAGE, "wp")
end, function()
	c = p:fork()
end)
expect(p:pagemap(a).uffd_wp and not c:pagemap(a).uffd_wp)
expect_signal("SIGBUS", p.store, p, a, 2)
c:store(a, 3)
expect(p:load(a) == 1)
