-- mremap in all its forms on registered memory: what is told, and what is registered afterwards.
-- Covers: B15, B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "event_remap|event_unmap")
local TO = 0x30000000
local function registered(addr)
	local vma = p:smaps(addr)
	return vma and (vma.vmflags:find("um") and "yes" or "no") or "gone"
end
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local function told(fn, ...)
		local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = flags .. "|fixed" }
		p:store(a, 1)
		p:uffd_register(u, a, 4 * PAGE, "missing")
		local result
		local wants = { ... }
		local t = p:thread(function()
			if wants[1] then
				p:mremap(a, fn())
			else
				result = table.pack(p:try("mremap", a, fn()))
			end
		end)
		for _, want in ipairs(wants) do
			p:uffd_wait(u)
			local m = p:uffd_read(u)
			expect_eq(m.event, want[1])
			if m.event == "remap" then
				expect(m.from == a and m.to == want[2] and m.len == want[3])
			else
				expect(m.start == want[2] and m.stop == want[3])
			end
		end
		t:join()
		expect_eq(p:poll(u), "")
		return a, result
	end
	local function clear(a)
		for _, at in ipairs { a, TO } do
			p:try("uffd_unregister", u, at, 8 * PAGE)
			p:munmap(at, 8 * PAGE)
		end
	end
	p:mmap { addr = TO, len = PAGE }
	-- To another place: the old one is unmapped, too.
	local OLD = { "unmap", 0x10000000, 0x10000000 + 4 * PAGE }
	local MOVED = { "remap", TO, 4 * PAGE }
	local a = told(function() return 4 * PAGE, 4 * PAGE, "maymove|fixed", TO end, MOVED, OLD)
	expect(registered(a) == "gone" and registered(TO) == "yes" and p:load(TO) == 1)
	clear(a)
	-- There, and larger: all of it is registered.
	a = told(function() return 4 * PAGE, 8 * PAGE, "maymove|fixed", TO end, MOVED, OLD)
	expect(registered(TO) == "yes" and registered(TO + 7 * PAGE) == "yes")
	clear(a)
	-- There, and smaller: the rest is unmapped.
	a = told(function() return 4 * PAGE, 2 * PAGE, "maymove|fixed", TO end,
		{ "remap", TO, 2 * PAGE }, { "unmap", 0x10000000 + 2 * PAGE,
			0x10000000 + 4 * PAGE },
		{ "unmap", 0x10000000, 0x10000000 + 2 * PAGE })
	clear(a)
	-- Smaller or larger in place.
	a = told(function() return 4 * PAGE, PAGE end,
		{ "unmap", 0x10000000 + PAGE, 0x10000000 + 4 * PAGE })
	expect(registered(a) == "yes" and registered(a + PAGE) == "gone")
	clear(a)
	a = told(function() return 4 * PAGE, 6 * PAGE end)
	expect(registered(a + 5 * PAGE) == "yes")
	clear(a)
	-- The old place stays, and stays registered.
	a = told(function() return 4 * PAGE, 4 * PAGE, "maymove|fixed|dontunmap", TO end, MOVED)
	expect(registered(a) == "yes" and registered(TO) == "yes")
	clear(a)
	-- What is refused tells nothing.
	local _, result = told(function() return 8 * PAGE, 8 * PAGE, "maymove|fixed", TO end)
	expect_eq(result[2], "EFAULT")
	clear(0x10000000)
end
