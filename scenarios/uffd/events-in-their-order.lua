-- What changes mappings waits until its message is read; while it does, filling is refused with
-- EAGAIN.
--
--     a    0        4        8        12     pages; registered, in two mappings
-- Covers: B17
local p = process()
local src = p:mmap { len = PAGE }
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "event_fork|event_remap|event_remove|event_unmap")
local function mapped(flags)
	local a = p:mmap { addr = 0x10000000, len = 12 * PAGE, flags = flags .. "|fixed" }
	p:uffd_register(u, a, 12 * PAGE, "missing")
	p:mprotect(a + 4 * PAGE, 4 * PAGE, "r")
	return a
end
local c
local changes = {
	fork = function() c = p:fork() end,
	remove = function(a) p:madvise(a, PAGE, "dontneed") end,
	unmap = function(a) p:munmap(a, PAGE) end,
	remap = function(a) p:mremap(a, PAGE, PAGE, "maymove|fixed", 0x30000000) end,
}
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for name, change in pairs(changes) do
		local a = mapped(flags)
		local t = p:thread(function() change(a) end)
		p:uffd_wait(u)
		-- Nothing is filled, and the structure says why, but for moves where it is the
		-- result alone.
		local fills = {
			copy = { function() p:uffd_copy(u, a + 9 * PAGE, src, PAGE) end, 5 },
			zeropage = { function() p:uffd_zeropage(u, a + 9 * PAGE, PAGE) end, 4 },
			continue = { function() p:uffd_continue(u, a + 9 * PAGE, PAGE) end, 4 },
			poison = { function() p:uffd_poison(u, a + 9 * PAGE, PAGE) end, 4 },
			writeprotect = { function() p:uffd_writeprotect(u, a + 9 * PAGE, PAGE,
				"") end },
		}
		for what, fill in pairs(fills) do
			local failure = expect_errno("EAGAIN", fill[1])
			if fill[2] then
				expect_eq(failure.words[fill[2]], -11, what)
			end
		end
		local m = p:uffd_read(u)
		expect_eq(m.event, name)
		if name == "remap" then
			-- The old place is unmapped, too.
			p:uffd_wait(u)
			expect_eq(p:uffd_read(u).event, "unmap")
		end
		t:join()
		p:uffd_zeropage(u, a + 9 * PAGE, PAGE)
		if name == "fork" then
			p:close(m.fd)
			c:exit()
		end
		p:uffd_unregister(u, a, 12 * PAGE)
		p:munmap(a, 12 * PAGE)
		if name == "remap" then
			p:uffd_unregister(u, 0x30000000, PAGE)
			p:munmap(0x30000000, PAGE)
		end
	end
end
