-- The loop of a snapshot: everything is protected, each first write is told once and resolved. The
-- writer goes on whether the page is clean, dirty, in swap, shared, or was never there; and a
-- page that was resolved is not told again in the same round.
-- Covers: B16, C5
local p = process()
p:swapon(64)
local PAGES = 6
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "wp_unpopulated")
	local a = p:mmap { len = PAGES * PAGE, flags = flags }
	for i = 0, 3 do
		p:write(a + i * PAGE, ("page %d"):format(i))
	end
	p:load(a + 4 * PAGE)
	p:uffd_register(u, a, PAGES * PAGE, "wp")
	local c
	for round = 1, 3 do
		p:uffd_writeprotect(u, a, PAGES * PAGE, "wp")
		if round == 2 then
			-- Out, half of it in again: clean, and its slot still there.
			p:madvise(a, PAGES * PAGE, "pageout")
			p:load(a)
			p:load(a + 3 * PAGE)
		elseif round == 3 then
			c = p:fork()
		end
		local t = p:thread(function()
			for i = 0, PAGES - 1 do
				p:write(a + i * PAGE, ("%d"):format(round))
				p:write(a + i * PAGE + 1, "w")
			end
		end)
		for i = 0, PAGES - 1 do
			local m = p:uffd_read(u)
			expect(m.addr == a + i * PAGE and m.flags == "write|wp")
			p:uffd_writeprotect(u, m.addr, PAGE, "")
		end
		t:join()
		expect_eq(p:read(a, 6), ("%dwge 0"):format(round))
	end
	c:exit()
	p:close(u)
	p:munmap(a, PAGES * PAGE)
end
