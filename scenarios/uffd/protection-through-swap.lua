-- Write protection survives swap, out and in, and swapoff; for shared memory as a marker.
-- Covers: B4, B10, B11, A3
local p = process()
local area = p:swapon(256)
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
	local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = flags .. "|fixed" }
	for i = 0, 3 do
		p:write(a + i * PAGE, "page " .. i)
	end
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
	p:madvise(a, 4 * PAGE, "pageout")
	expect(p:smaps(a).swap == 4 * PAGE)
	expect(p:pagemap(a).swapped and p:pagemap(a).uffd_wp
		and not p:pagemap(a + 2 * PAGE).uffd_wp)
	-- Protected and unprotected while out.
	p:uffd_writeprotect(u, a + 2 * PAGE, PAGE, "wp")
	p:uffd_writeprotect(u, a + PAGE, PAGE, "")
	-- A read brings it in, protected, and tells nobody.
	expect_eq(p:read(a, 6), "page 0")
	expect(p:pagemap(a).uffd_wp and p:pagemap(a).present)
	for _, i in ipairs { 0, 2 } do
		local t = p:thread(function() p:write(a + i * PAGE, "P") end)
		local m = p:uffd_read(u)
		expect(m.flags == "write|wp" and m.addr == a + i * PAGE)
		p:uffd_writeprotect(u, a + i * PAGE, PAGE, "")
		t:join()
		expect_eq(p:read(a + i * PAGE, 6), "Page " .. i)
	end
	p:write(a + PAGE, "P")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	p:madvise(a, 4 * PAGE, "pageout")
	p:swapoff(area)
	local bits = {}
	for i = 0, 3 do
		bits[i + 1] = p:pagemap(a + i * PAGE).uffd_wp
	end
	expect(bits[1] and bits[2] and bits[3] and bits[4])
	area = p:swapon(256)
	p:close(u)
	expect(not p:pagemap(a).uffd_wp)
	p:munmap(a, 4 * PAGE)
end
