-- only: model (what happens depends on the order)
-- A page is moved while its owner says that it is not needed: it arrives, or is gone.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")
local moved, errno

concurrent(function()
	moved, errno = p:try("uffd_move", u, dst, src, PAGE)
end, function()
	p:madvise(src, PAGE, "dontneed")
end)
expect(moved == PAGE or errno == "ENOENT", errno)
expect(p:load(src) == 0)
expect_eq(p:pagemap(dst).present, moved ~= nil)
expect(not moved or p:load(dst) == 7)
