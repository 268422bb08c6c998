-- Guards and userfaultfd: who touches a guard ends with an error, and no message; what is filled in
-- goes over it, as over any marker; protecting leaves it.
-- Covers: A1, A3, B9
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_unpopulated")
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	p:write(a, "x")
	p:uffd_register(u, a, 4 * PAGE, "missing|wp")
	p:madvise(a, 2 * PAGE, "guard_install")
	p:madvise(a + 3 * PAGE, PAGE, "guard_install")
	expect_signal("SIGSEGV", p.load, p, a)
	expect_errno("EFAULT", function() p:madvise(a, PAGE, "populate_read") end)
	expect_errno("EEXIST", function() p:uffd_poison(u, a + PAGE, PAGE) end)
	expect_eq(p:uffd_copy(u, a + PAGE, src, PAGE), PAGE)
	expect_eq(p:read(a + PAGE, 1), "s")
	if flags == "private|anonymous" then
		expect_errno("EEXIST", function() p:uffd_zeropage(u, a, PAGE) end)
	end
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	local letters = {}
	for i, page in ipairs(p:pagemap(a, 4)) do
		letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.guard and "g" or
			page.uffd_wp and "m" or "."
	end
	expect_eq(table.concat(letters, " "), "g P m g")
	p:uffd_writeprotect(u, a, 4 * PAGE, "")
	expect(p:pagemap(a).guard and p:pagemap(a + 3 * PAGE).guard)
	expect(not p:pagemap(a + 2 * PAGE).uffd_wp)
	-- A guard where a page or, in private memory, a marker was: there is nothing of them
	-- afterwards.
	if flags == "private|anonymous" then
		p:uffd_writeprotect(u, a + 2 * PAGE, PAGE, "wp")
	end
	p:madvise(a, 4 * PAGE, "guard_install")
	expect(p:pagemap(a + PAGE).guard and p:pagemap(a + 2 * PAGE).guard)
	p:madvise(a, 4 * PAGE, "guard_remove")
	expect(not p:pagemap(a).guard and not p:pagemap(a + 2 * PAGE).uffd_wp)
	p:uffd_copy(u, a + 2 * PAGE, src, PAGE)
	p:close(u)
	p:munmap(a, 4 * PAGE)
end
