-- only: model (what happens depends on the order)
-- A signal comes while a fault waits, before or after, and the handler fills the page: the access
-- goes on with what was filled, and no message is left of a fault that nobody has.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local src = p:mmap { len = PAGE }
p:store(src, 5)
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")

concurrent(p, function()
	expect(p:load(a) == 5)
end, p, function()
	p:uffd_copy(u, a, src, PAGE)
end, function()
	p:signal()
end)

expect_eq(p:poll(u), "")
expect(p:load(a) == 5)
