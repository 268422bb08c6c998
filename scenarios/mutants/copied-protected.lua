-- A page that is copied in with protection is protected from the first write on.
-- Covers: B2
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, "s")
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus")
	local a = p:mmap { len = PAGE, flags = flags }
	p:uffd_register(u, a, PAGE, "missing|wp")
	p:uffd_copy(u, a, src, PAGE, "wp")
	expect_eq(p:read(a, 1), "s")
	expect_signal("SIGBUS", p.store, p, a, 1)
	p:uffd_writeprotect(u, a, PAGE, "")
	p:store(a, 1)
	p:close(u)
end
