-- UFFDIO_COPY with write protection: the page comes in protected, dirty and young; the next write
-- is told.
-- Covers: B2, B3, B16
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem|missing_shmem")
	local a = p:mmap { len = 2 * PAGE, flags = flags }
	p:uffd_register(u, a, 2 * PAGE, "missing|wp")
	local t = p:thread(function() p:write(a, "w") end)
	expect_eq(p:uffd_read(u).flags, "write")
	p:uffd_copy(u, a, src, PAGE, "wp")
	expect(p:pagemap(a).uffd_wp)
	expect(p:smaps(a).private_dirty == PAGE and p:smaps(a).referenced == PAGE)
	local m = p:uffd_read(u)
	expect_eq(m.flags, "write|wp")
	p:uffd_writeprotect(u, a, PAGE, "")
	t:join()
	expect_eq(p:read(a, 2), "ws")
	-- Without the mode that was registered it is refused.
	local b = p:mmap { len = PAGE, flags = flags }
	p:uffd_register(u, b, PAGE, "missing")
	expect_errno("EINVAL", function() p:uffd_copy(u, b, src, PAGE, "wp") end)
	p:close(u)
end
