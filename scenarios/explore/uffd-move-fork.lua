-- only: model (what happens depends on the order)
-- fork copies the entries of a page that is moving: the child has it in one of the places; the
-- parent has it where it was moved to, or it could not be moved as it is shared.
-- Covers: B12, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src, dst = p:mmap{ len = PAGE }, p:mmap{ addr = 0x10000000, len = PAGE }
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")
local c, moved, errno

concurrent(function()
	moved, errno = p:try("uffd_move", u, dst, src, PAGE)
end, function()
	c = p:fork()
end)
expect(moved == PAGE or errno == "EBUSY", errno)
expect(c:load(src) + c:load(dst) == 7)
expect_eq(p:load(moved and dst or src), 7)
