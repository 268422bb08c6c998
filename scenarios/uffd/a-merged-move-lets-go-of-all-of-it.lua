-- A piece of registered memory that moves next to where it came from is one mapping with what is
-- there, all of which is let go of when no event is asked for. What was protected there stays
-- protected in its entries, which means nothing any more: to a write, and to who registers again.
--
--     before  AAAA·WWW     moved to   A·AA·WWW     A registered, W and with a write-protect marker
--                          the front               · nothing
-- Covers: B6, B15, B17
local p = process()
for _, events in ipairs { "", "event_remap" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus|wp_unpopulated" .. (events ~= "" and "|" .. events or ""))
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
	p:uffd_register(u, a, 8 * PAGE, "wp")
	p:uffd_writeprotect(u, a + 5 * PAGE, 3 * PAGE, "wp")
	local t = p:thread(function()
		p:mremap(a + PAGE, PAGE, PAGE, "maymove|fixed", a)
	end)
	if events ~= "" then
		-- Who moves waits for its message all the same.
		p:uffd_wait(u)
		expect_eq(p:uffd_read(u).event, "remap")
	end
	t:join()
	for i = 2, 7 do
		local flags = p:smaps(a + i * PAGE).vmflags
		expect_eq(flags:find("uw") ~= nil, events ~= "")
		expect_eq(p:pagemap(a + i * PAGE).uffd_wp, i >= 5)
	end
	if events == "" then
		p:write(a + 6 * PAGE, "w")
		expect(not p:pagemap(a + 6 * PAGE).uffd_wp)
		p:uffd_register(u, a + 2 * PAGE, 6 * PAGE, "wp")
		expect(p:pagemap(a + 7 * PAGE).uffd_wp)
	end
	p:close(u)
	p:munmap(a, 8 * PAGE)
end
-- To the end of it: the old place is let go of before it is unmapped, which nobody is told. Pages
-- of its own keep the piece apart, and all that comes with it.
for _, touched in ipairs { false, true } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus|event_unmap")
	local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
	if touched then
		p:write(a, "x")
	end
	p:uffd_register(u, a, 4 * PAGE, "missing")
	local t = p:thread(function()
		p:mremap(a + 2 * PAGE, PAGE, PAGE, "maymove|fixed", a + 4 * PAGE)
	end)
	if touched then
		p:uffd_wait(u)
		local m = p:uffd_read(u)
		expect(m.event == "unmap" and m.start == a + 2 * PAGE)
	end
	t:join()
	expect_eq(p:smaps(a).vmflags:find("um") ~= nil, touched)
	expect(not p:smaps(a + 4 * PAGE).vmflags:find("um"))
	p:close(u)
	p:munmap(a, 5 * PAGE)
end
