-- only: model (what happens depends on the order)
-- The last protection of a page is lifted while a thread is about to wait for that: it goes on.
-- explore: --memory weak
-- Covers: B16, B17
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
	p:uffd_writeprotect(u, a, PAGE, "")
end)
expect(p:load(a) == 2)
