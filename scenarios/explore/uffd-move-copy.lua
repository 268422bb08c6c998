-- only: model (what happens depends on the order)
-- One thread moves a page to where another copies one: one of them is first, the other finds the
-- place taken and changes nothing. Every order with two preemptions, and samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B9, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
local from = p:mmap{ len = PAGE }
p:store(src, 7)
p:store(from, 9)
p:uffd_register(u, dst, PAGE, "missing")
local moved, copied, errno, other

concurrent(function()
	moved, errno = p:try("uffd_move", u, dst, src, PAGE)
end, function()
	copied, other = p:try("uffd_copy", u, dst, from, PAGE)
end)
expect((moved == PAGE) ~= (copied == PAGE))
expect_eq(errno or other, "EEXIST")
expect_eq(p:load(dst), moved and 7 or 9)
expect_eq(p:load(src), moved and 0 or 7)
