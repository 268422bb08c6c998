-- A write that finds no page readies its mapping for pages of its own, whatever becomes of it: with
-- SIGBUS instead of a message, too. From then on the mapping keeps what it was charged when it
-- becomes read-only, and does not merge with a neighbour that has a family of its own.
--
--     0    4    8    12   16     pages, each read or written once
-- Covers: B1
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
for _, write in ipairs { true, false } do
	local a = p:mmap { len = 16 * PAGE, prot = "rw" }
	p:uffd_register(u, a, 16 * PAGE, "missing")
	expect_signal("SIGBUS", function()
		if write then
			p:write(a + 8 * PAGE, "x")
		else
			p:read(a + 8 * PAGE, 1)
		end
	end)
	p:mprotect(a + 4 * PAGE, PAGE, "r")
	-- What is charged shows in the flags.
	expect_eq(p:smaps(a + 4 * PAGE).vmflags:find("ac") ~= nil, write)
	p:uffd_unregister(u, a, 16 * PAGE)
	p:munmap(a, 16 * PAGE)
end
