-- only: model (what happens depends on the order)
-- A page is filled in while its mapping goes: it comes in and goes along, or finds no mapping.
-- Covers: B17, B19
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src, a = p:mmap{ len = PAGE }, p:mmap{ len = PAGE, flags = "shared|anonymous" }
p:store(src, 7)
p:uffd_register(u, a, PAGE, "missing")

concurrent(function()
	local done, errno = p:try("uffd_copy", u, a, src, PAGE)
	expect(done == PAGE or errno == "ENOENT", errno)
end, function()
	p:munmap(a, PAGE)
end)
expect_signal("SIGSEGV", p.load, p, a)
