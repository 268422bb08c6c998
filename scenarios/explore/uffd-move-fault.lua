-- only: model (what happens depends on the order)
-- A page is moved away from under an access: the access was before, or finds zeros.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src, dst = p:mmap{ len = PAGE }, p:mmap{ len = PAGE }
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")
local seen

concurrent(function()
	p:uffd_move(u, dst, src, PAGE)
end, function()
	p:store(src + 8, 1)
	seen = p:load(src)
end)
expect(seen == 7 or seen == 0)
expect(p:load(dst) == 7)
expect(p:load(dst + 8) + p:load(src + 8) == 1)
