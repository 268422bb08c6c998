-- Write protection: a write waits, the handler is told, resolves, and the write goes on, once.
-- Reads are not stopped. For every kind of memory, present or not.
-- Covers: B2, B7, B15, B16
local p = process()
local fd = p:memfd_create("w")
p:ftruncate(fd, 4 * PAGE)
for _, flags in ipairs { "private|anonymous", "shared|anonymous", "shared", "private" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
	local a = p:mmap { len = 4 * PAGE, flags = flags, fd = flags:find("anonymous") and -1
		or fd }
	p:write(a, "here")
	p:load(a + PAGE)
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	expect_eq(p:read(a, 4), "here")
	local seen = {}
	for i = 0, 3 do
		local page = p:pagemap(a + i * PAGE)
		seen[i + 1] = (page.present and "p" or "-") .. (page.uffd_wp and "w" or "-") ..
			(page.swapped and "s" or "-")
	end
	-- Nothing, a marker, or the page that populating brought in: by kind.
	expect_eq(table.concat(seen, " "), flags == "private|anonymous" and "pw- pw- --- ---" or
		flags == "private" and "pw- pw- pw- pw-" or "pw- pw- -ws -ws")
	for i = 0, 3 do
		local t = p:thread(function() p:write(a + i * PAGE, "X") end)
		-- Anonymous memory that was never touched has nothing to protect.
		if i < 2 or flags ~= "private|anonymous" then
			local m = p:uffd_read(u)
			expect(m.event == "pagefault" and m.addr == a + i * PAGE)
			expect_eq(m.flags, "write|wp")
			p:uffd_writeprotect(u, a + i * PAGE, PAGE, "")
		end
		t:join()
		expect_eq(p:read(a + i * PAGE, 1), "X")
		p:write(a + i * PAGE, "Y")
	end
	expect(not p:pagemap(a).uffd_wp)
	p:close(u)
	p:munmap(a, 4 * PAGE)
end
