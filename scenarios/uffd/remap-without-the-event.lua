-- Moved without event_remap the memory is no longer registered, nor protected; with it both go
-- along.
-- Covers: B15
local p = process()
for _, feature in ipairs { "", "event_remap" } do
	for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
		local u = p:userfaultfd("nonblock")
		p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem|" .. feature)
		local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = flags .. "|fixed" }
		p:write(a, "x")
		p:uffd_register(u, a, 4 * PAGE, "wp")
		p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
		local to = 0x20000000
		if feature == "" then
			p:mremap(a, 4 * PAGE, 4 * PAGE, "maymove|fixed", to)
		else
			local t = p:thread(function() p:mremap(a, 4 * PAGE, 4 * PAGE,
				"maymove|fixed", to) end)
			p:uffd_wait(u)
			expect_eq(p:uffd_read(u).event, "remap")
			t:join()
		end
		local kept = feature ~= ""
		expect((p:smaps(to).vmflags:find("uw") ~= nil) == kept)
		expect(p:pagemap(to).uffd_wp == kept)
		expect(p:pagemap(to + PAGE).uffd_wp == (kept and flags == "shared|anonymous"))
		p:close(u)
		p:munmap(to, 4 * PAGE)
	end
end
