-- Protecting none entries: of files always, by markers; of anonymous memory only with
-- wp_unpopulated. Over a range without page tables, too.
--
--     0    2M    4M   6M          one page is there, in the last part
-- Covers: B7
local p = process()
local MARK = { ["shared|anonymous"] = true }
for _, feature in ipairs { "", "wp_unpopulated" } do
	for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
		local u = p:userfaultfd()
		p:uffd_api(u, feature)
		local a = p:mmap { addr = 0x10000000, len = 6 * M, flags = flags .. "|fixed" }
		p:madvise(a, 6 * M, "nohugepage")
		p:store(a + 5 * M, 5)
		p:uffd_register(u, a, 6 * M, "wp")
		p:uffd_writeprotect(u, a + PAGE, 6 * M - PAGE, "wp")
		local marked = feature ~= "" or flags == "shared|anonymous"
		for _, at in ipairs { PAGE, 2 * M, 4 * M - PAGE, 6 * M - PAGE } do
			expect_eq(p:pagemap(a + at).uffd_wp, marked)
		end
		expect(not p:pagemap(a).uffd_wp and p:pagemap(a + 5 * M).uffd_wp)
		p:store(a, 1)
		-- A read says nothing and brings the page, or the zero page, in protected; the
		-- write is told.
		expect(p:load(a + 2 * M) == 0)
		expect_eq(p:pagemap(a + 2 * M).uffd_wp, marked)
		for _, at in ipairs { 2 * M, 3 * M } do
			local t = p:thread(function() p:store(a + at, 3) end)
			if marked then
				local m = p:uffd_read(u)
				expect(m.addr == a + at and m.flags == "write|wp")
				p:uffd_writeprotect(u, a + at, PAGE, "")
			end
			t:join()
			expect(p:load(a + at) == 3 and not p:pagemap(a + at).uffd_wp)
		end
		-- Resolved without a fault a marker is none again.
		p:uffd_writeprotect(u, a + 4 * M, M, "")
		expect(not p:pagemap(a + 4 * M).uffd_wp)
		p:store(a + 4 * M, 4)
		p:close(u)
		-- Closing takes all of it.
		expect(not p:pagemap(a + PAGE).uffd_wp and not p:pagemap(a + 6 * M - PAGE).uffd_wp)
		p:munmap(a, 6 * M)
	end
end
