-- A call that reaches several registered mappings tells of each, one after the other, and of what
-- is not registered not at all.
--
--     a    0    2    4    6    8     pages
--          UUUU VVVV .... UUUU       by which descriptor
-- Covers: B17
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
	for _, d in ipairs { u, v } do
		p:uffd_api(d, "event_remove|event_unmap|event_remap")
	end
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed" }
	p:uffd_register(u, a, 2 * PAGE, "missing")
	p:uffd_register(v, a + 2 * PAGE, 2 * PAGE, "missing")
	p:uffd_register(u, a + 6 * PAGE, 2 * PAGE, "wp")
	local function told(fn, ...)
		local t = p:thread(fn)
		for _, want in ipairs { ... } do
			p:uffd_wait(want[1])
			local m = p:uffd_read(want[1])
			expect(m.event == want[2] and m.start == a + want[3] * PAGE
				and m.stop == a + want[4] * PAGE)
		end
		t:join()
		expect(p:poll(u) == "" and p:poll(v) == "")
	end
	told(function() p:madvise(a, 8 * PAGE, "dontneed") end,
		{ u, "remove", 0, 2 }, { v, "remove", 2, 4 }, { u, "remove", 6, 8 })
	told(function() p:madvise(a + PAGE, 2 * PAGE, "dontneed_locked") end,
		{ u, "remove", 1, 2 }, { v, "remove", 2, 3 })
	told(function() p:madvise(a + 4 * PAGE, 2 * PAGE, "dontneed") end)
	if flags == "private|anonymous" then
		told(function() p:madvise(a + 6 * PAGE, PAGE, "free") end, { u, "remove", 6, 7 })
	end
	-- Advice that takes nothing away, and protection, are no events.
	told(function() p:madvise(a, 8 * PAGE, "cold") end)
	told(function() p:mprotect(a, 8 * PAGE, "r") end)
	told(function() p:mprotect(a, 8 * PAGE, "rw") end)
	told(function() p:mlock2(a + 4 * PAGE, PAGE, "onfault") end)
	-- Unmapping, or a mapping put over others, is told once to each descriptor, with all of
	-- the range.
	told(function() p:mmap { addr = a + PAGE, len = 2 * PAGE, flags = flags .. "|fixed" } end,
		{ u, "unmap", 1, 3 }, { v, "unmap", 1, 3 })
	told(function() p:munmap(a, 8 * PAGE) end,
		{ u, "unmap", 0, 8 }, { v, "unmap", 0, 8 })
	p:close(u)
	p:close(v)
end
