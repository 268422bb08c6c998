-- only: model (what happens depends on the order)
-- A fault meets the page that fills its place: it waits and is woken, or finds the page, and never
-- waits for ever.
-- explore: --memory weak
-- Covers: B9, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src = p:mmap{ len = PAGE }
p:store(src, 7)
local a = p:mmap{ len = PAGE }
p:uffd_register(u, a, PAGE, "missing")

concurrent(function()
	expect(p:load(a) == 7)
end, function()
	p:uffd_copy(u, a, src, PAGE)
end)
