-- A child without event_fork is not registered: it writes as it likes, and what it has is a copy of
-- its own; the parent's protection stands, and its write is told before it copies.
-- Covers: B12, B15
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u)
	local a = p:mmap { len = 3 * PAGE, flags = flags }
	p:write(a, "one")
	p:load(a + PAGE)
	p:uffd_register(u, a, 3 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 3 * PAGE, "wp")
	local c = p:fork()
	c:write(a, "ONE")
	c:write(a + PAGE, "TWO")
	local private = flags == "private|anonymous"
	expect_eq(p:read(a, 3), private and "one" or "ONE")
	for i = 0, 1 do
		local t = p:thread(function() p:write(a + i * PAGE, "p") end)
		expect_eq(p:uffd_read(u).flags, "write|wp")
		p:uffd_writeprotect(u, a + i * PAGE, PAGE, "")
		t:join()
	end
	expect_eq(p:read(a, 3), private and "pne" or "pNE")
	expect_eq(c:read(a, 3), private and "ONE" or "pNE")
	-- Protected again while a child has it: resolving does not undo the sharing.
	local d = p:fork()
	p:uffd_writeprotect(u, a, PAGE, "wp")
	p:uffd_writeprotect(u, a, PAGE, "")
	p:write(a, "q")
	expect_eq(d:read(a, 1), private and "p" or "q")
	c:exit()
	d:exit()
	p:close(u)
end
