-- only: model (what happens depends on the order)
-- A page of a file is mapped by CONTINUE while a hole is punched there: it came in and goes, or is
-- no longer there to be mapped.
-- explore: --memory weak
-- Covers: B17, Z1
local p = process()
local fd = p:memfd_create("hole")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "f")
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, PAGE, "minor")

concurrent(function()
	local done, errno = p:try("uffd_continue", u, a, PAGE)
	expect(done == PAGE or errno == "EFAULT", errno)
end, function()
	p:fallocate(fd, "punch_hole|keep_size", 0, PAGE)
end)
expect(not p:pagemap(a).present)
expect_eq(p:pread(fd, 1), "\0")
