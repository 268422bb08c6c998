-- A snapshot of memory that is being written to, as a hypervisor takes one of a running guest:
-- protect everything at one instant, save page after page, and save first what the writer waits
-- for. What is saved is what was there at that instant, though pages go to swap and come back.
--
--     anonymous   0 1 2 3 4 5 6 7     written: 1 3 5 7 and, never touched before, 6
--     shared      0 1 2 3 4 5 6 7     the same, with a marker where there was nothing
-- Covers: H3, B4, B7, B10, B11, B16
local PAGES <const> = 8
local p = process()
p:swapon(256)
local u = p:userfaultfd()
p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem|wp_unpopulated")

for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	print("-- " .. flags)
	local a = p:mmap { len = PAGES * PAGE, flags = flags }
	for i = 0, PAGES - 3 do
		p:write(a + i * PAGE, "before " .. i)
	end
	p:uffd_register(u, a, PAGES * PAGE, "wp")
	local saved = {}
	local function save(page)
		if not saved[page] then
			saved[page] = p:read(a + page * PAGE, 8)
			p:uffd_writeprotect(u, a + page * PAGE, PAGE, "")
		end
	end

	print("the instant: everything is protected; then the guest goes on, and memory is short")
	p:uffd_writeprotect(u, a, PAGES * PAGE, "wp")
	p:madvise(a, PAGES * PAGE, "pageout")
	expect(p:smaps(a).swap == (PAGES - 2) * PAGE)
	local guest = p:thread(function()
		for _, i in ipairs { 5, 3, 7, 1, 6 } do
			p:write(a + i * PAGE, "after " .. i)
		end
	end)

	print("the guest is stopped at 5, 3 and 7, which are saved first")
	for _, page in ipairs { 5, 3, 7 } do
		local m = p:uffd_read(u)
		expect(m.flags == "write|wp" and m.addr == a + page * PAGE)
		save(page)
	end
	print("at 1 it waits while pages in order are saved and paged out again")
	local m = p:uffd_read(u)
	expect_eq(m.addr, a + PAGE)
	save(0)
	p:madvise(a, PAGES * PAGE, "pageout")
	save(1)
	expect_eq(p:uffd_read(u).addr, a + 6 * PAGE)
	for page = 2, PAGES - 1 do
		save(page)
	end
	guest:join()

	for page = 0, PAGES - 1 do
		expect_eq(saved[page], page < PAGES - 2 and "before " .. page or ("\0"):rep(8))
	end
	for _, i in ipairs { 1, 3, 5, 6, 7 } do
		expect_eq(p:read(a + i * PAGE, 7), "after " .. i)
	end
	expect_eq(p:read(a, 8), "before 0")
	p:munmap(a, PAGES * PAGE)
end
