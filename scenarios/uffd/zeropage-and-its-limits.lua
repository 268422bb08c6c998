-- UFFDIO_ZEROPAGE fills with zeros: with the zero page where that may be, with a page of its own in
-- shared memory.
-- Covers: B1, B17, B19
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous", "shared", "private" } do
	local u, fd = p:userfaultfd(), p:memfd_create("z")
	p:ftruncate(fd, 4 * PAGE)
	p:uffd_api(u)
	local a = p:mmap { len = 4 * PAGE, flags = flags, fd = flags:find("anonymous") and -1
		or fd }
	p:uffd_register(u, a, 4 * PAGE, "missing")
	local t = p:thread(function() expect(p:load(a) == 0) end)
	expect_eq(p:uffd_read(u).addr, a)
	expect_eq(p:uffd_zeropage(u, a, 2 * PAGE), 2 * PAGE)
	t:join()
	-- The zero page counts for nobody.
	expect_eq(p:smaps(a).rss, flags:find("private") and 0 or 2 * PAGE)
	expect_errno("EEXIST", function() p:uffd_zeropage(u, a + PAGE, PAGE) end)
	expect_errno("EINVAL", function() p:uffd_zeropage(u, a + 1, PAGE) end)
	expect_errno("EINVAL", function() p:uffd_zeropage(u, a, 0) end)
	expect_errno("EINVAL", function() p:uffd_zeropage(u, a, PAGE, 4) end)
	expect_errno("ENOENT", function() p:uffd_zeropage(u, a + 3 * PAGE, 2 * PAGE) end)
	p:close(u)
	p:munmap(a, 4 * PAGE)
end
