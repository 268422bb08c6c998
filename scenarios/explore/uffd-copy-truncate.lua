-- only: model (what happens depends on the order)
-- A page is filled into a file while the file is cut: it came in and goes, or is refused; nothing
-- of it is left.
-- Covers: B9, B17, Z1
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, PAGE)
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src, a = p:mmap{ len = PAGE }, p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:store(src, 7)
p:uffd_register(u, a, PAGE, "missing")

concurrent(function()
	local done, errno = p:try("uffd_copy", u, a, src, PAGE)
	expect(done == PAGE or errno == "EFAULT", errno)
end, function()
	p:ftruncate(fd, 0)
end)
p:ftruncate(fd, PAGE)
expect(not p:pagemap(a).present)
expect_eq(p:pread(fd, 1), "\0")
