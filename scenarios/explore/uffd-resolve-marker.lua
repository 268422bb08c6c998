-- only: model (what happens depends on the order)
-- explore: --memory weak
-- The protection of a page that is not mapped is lifted while a thread reads it and another writes:
-- the reader maps it protected or not, the writer is stopped or not, and afterwards nothing is.
-- Covers: B4, B5, B7
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "\7")
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
local written

concurrent(function()
	expect_eq(p:load(a, 1), 7)
end, function()
	p:uffd_writeprotect(u, a, PAGE, "")
end, function()
	written = p:try("store", a + 8, 1) ~= nil
end)
expect(not p:pagemap(a).uffd_wp)
expect_eq(p:load(a + 8), written and 1 or 0)
p:store(a, 3)
