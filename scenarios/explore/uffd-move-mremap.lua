-- only: model (what happens depends on the order)
-- A page is moved by UFFDIO_MOVE while mremap takes its mapping elsewhere: it is in one of the two
-- places, and nowhere else.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
local to = 0x20000000
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")
local moved, errno

concurrent(function()
	moved, errno = p:try("uffd_move", u, dst, src, PAGE)
end, function()
	p:mremap(src, PAGE, PAGE, "maymove|fixed", to)
end)
expect(moved == PAGE or errno == "ENOENT", errno)
expect_eq(p:load(to), moved and 0 or 7)
expect_eq(p:pagemap(dst).present, moved ~= nil)
expect(not moved or p:load(dst) == 7)
