-- A page is filled into a mapping that its process cannot write, or not even read; what the process
-- may do with it stays what the mapping says.
-- Covers: B2, B3
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for _, prot in ipairs { "r", "none", "rw" } do
		local u = p:userfaultfd("nonblock")
		p:uffd_api(u)
		local a = p:mmap { len = 3 * PAGE, prot = prot, flags = flags }
		p:uffd_register(u, a, 3 * PAGE, "missing|wp")
		p:uffd_copy(u, a, src, PAGE)
		p:uffd_copy(u, a + PAGE, src, PAGE, "wp")
		p:uffd_zeropage(u, a + 2 * PAGE, PAGE)
		expect(p:pagemap(a).present and not p:pagemap(a).uffd_wp
			and p:pagemap(a + PAGE).uffd_wp)
		expect_eq(p:smaps(a).private_dirty, flags == "private|anonymous" and 2 * PAGE
			or 3 * PAGE)
		if prot == "none" then
			expect_signal("SIGSEGV", p.load, p, a)
		else
			expect_eq(p:read(a, 1), "s")
			expect(p:load(a + 2 * PAGE) == 0)
		end
		if prot ~= "rw" then
			expect_signal("SIGSEGV", p.store, p, a, 1)
			expect_signal("SIGSEGV", p.store, p, a + PAGE, 1)
			p:mprotect(a, 3 * PAGE, "rw")
		end
		p:write(a, "w")
		p:write(a + 2 * PAGE, "w")
		expect_eq(p:read(a, 2), "ws")
		-- Only what was filled protected is told.
		local t = p:thread(function() p:write(a + PAGE, "w") end)
		p:uffd_wait(u)
		expect_eq(p:uffd_read(u).addr, a + PAGE)
		p:uffd_writeprotect(u, a + PAGE, PAGE, "")
		t:join()
		p:close(u)
		p:munmap(a, 3 * PAGE)
	end
end
