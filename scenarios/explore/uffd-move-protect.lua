-- only: model (what happens depends on the order)
-- A page is moved while it is protected: what moves loses its protection, what stays has it; or it
-- was protected as nothing, before or after.
-- Covers: B7, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
p:store(src, 7)
p:uffd_register(u, src, PAGE, "wp")
p:uffd_register(u, dst, PAGE, "missing|wp")

concurrent(function()
	p:uffd_move(u, dst, src, PAGE)
end, function()
	p:uffd_writeprotect(u, src, PAGE, "wp")
end)
expect(not p:pagemap(src).present and not p:pagemap(src).uffd_wp)
expect(not p:pagemap(dst).uffd_wp and p:load(dst) == 7)
p:store(dst, 8)
