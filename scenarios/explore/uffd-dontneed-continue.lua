-- only: model (what happens depends on the order)
-- A page of the file is mapped by CONTINUE while the mapping is told that it is not needed: mapped
-- or not, the page is the file's.
-- Covers: B1, B17
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "f")
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, PAGE, "minor")

concurrent(function()
	p:uffd_continue(u, a, PAGE)
end, function()
	p:madvise(a, PAGE, "dontneed")
end)
if p:pagemap(a).present then
	expect_eq(p:read(a, 1), "f")
else
	expect_signal("SIGBUS", p.load, p, a)
end
