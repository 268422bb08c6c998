-- only: model (what happens depends on the order)
-- A page is moved while its mapping becomes read-only: mappings must be alike, so it goes before or
-- not at all; the CPU that wrote it may no longer.
-- Covers: B15, B17
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
	p:mprotect(src, PAGE, "r")
end)
expect(moved == PAGE or errno == "EINVAL", errno)
expect_eq(p:load(src), moved and 0 or 7)
expect_signal("SIGSEGV", p.store, p, src, 1)
expect(not moved or p:load(dst) == 7)
