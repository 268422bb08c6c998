-- A marker counts as missing: the fault is told as such, and COPY fills over it, taking protection
-- away unless it is asked to protect. The zero page is not put over one, only a page of zeros.
-- Covers: B2, B9
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for _, mode in ipairs { "", "wp" } do
		local u = p:userfaultfd()
		p:uffd_api(u, "wp_unpopulated")
		local a = p:mmap { len = 4 * PAGE, flags = flags }
		p:uffd_register(u, a, 4 * PAGE, "missing|wp")
		p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
		local t = p:thread(function() expect_eq(p:read(a, 1), "s") end)
		expect_eq(p:uffd_read(u).flags, "")
		p:uffd_copy(u, a, src, PAGE, mode)
		t:join()
		expect_eq(p:pagemap(a).uffd_wp, mode == "wp")
		t = p:thread(function() p:write(a + PAGE, "w") end)
		expect_eq(p:uffd_read(u).flags, "write")
		p:uffd_copy(u, a + PAGE, src, PAGE, mode)
		if mode == "wp" then
			expect_eq(p:uffd_read(u).flags, "write|wp")
			p:uffd_writeprotect(u, a + PAGE, PAGE, "")
		end
		t:join()
		expect_eq(p:read(a + PAGE, 2), "ws")
		if flags == "private|anonymous" then
			expect_errno("EEXIST", function() p:uffd_zeropage(u, a + 2 * PAGE,
				PAGE) end)
			p:uffd_writeprotect(u, a + 2 * PAGE, PAGE, "")
		end
		p:uffd_zeropage(u, a + 2 * PAGE, PAGE)
		expect(not p:pagemap(a + 2 * PAGE).uffd_wp)
		expect_errno("EEXIST", function() p:uffd_poison(u, a + 2 * PAGE, PAGE) end)
		p:close(u)
		p:munmap(a, 4 * PAGE)
	end
end
