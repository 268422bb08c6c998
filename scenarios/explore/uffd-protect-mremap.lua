-- only: model (what happens depends on the order)
-- Memory is protected while mremap takes it elsewhere, and nobody is told of that: what is
-- protected before loses it on the way, afterwards there is nothing to protect.
-- Covers: B15
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE, flags = "shared|anonymous" }
local to = 0x20000000
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")

concurrent(function()
	local ok, errno = p:try("uffd_writeprotect", u, a, PAGE, "wp")
	expect(ok or errno == "ENOENT", errno)
end, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", to)
end)
expect(not p:pagemap(to).uffd_wp)
p:store(to, 2)
