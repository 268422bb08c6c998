-- only: model (what happens depends on the order)
-- Where a page is moved to goes away meanwhile: it went along, or stays where it was.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src, dst = p:mmap{ len = PAGE }, p:mmap{ len = PAGE, prot = "rw",
	flags = "private|anonymous" }
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")
local moved, errno

concurrent(function()
	moved, errno = p:try("uffd_move", u, dst, src, PAGE)
end, function()
	p:munmap(dst, PAGE)
end)
expect(moved == PAGE or errno == "ENOENT", errno)
expect_eq(p:load(src), moved and 0 or 7)
