-- A child that its parent's handlers are told of has what was protected, present, out or never
-- there; each descriptor of the parent gets one of the child. So does the child's child. What one
-- of them resolves is its own.
--
--     page    0 1: out   2 3: in memory   4 5: never touched   6: not protected   7: poison
--             P: protected, p: not, m: protected and not present, x: poison or swapped, .: none
-- Covers: A2, A3, B10, B12, B17, Z3
local p = process()
p:swapon(64)
local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
p:uffd_api(u, "event_fork|wp_unpopulated")
p:uffd_api(v, "event_fork|wp_unpopulated")
local function picture(q, addr)
	local letters = {}
	for i, page in ipairs(q:pagemap(addr, 8)) do
		letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp and "m"
			or page.swapped and "x" or "."
	end
	return table.concat(letters)
end
-- The child, and its descriptors.
local function forked(q, ...)
	local c
	local t = q:thread(function() c = q:fork() end)
	local fds = {}
	for i, fd in ipairs { ... } do
		p:uffd_wait(fd)
		local m = p:uffd_read(fd)
		expect_eq(m.event, "fork")
		fds[i] = m.fd
	end
	t:join()
	return c, table.unpack(fds)
end
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed" }
	local b = p:mmap { addr = 0x20000000, len = 8 * PAGE, flags = flags .. "|fixed" }
	local private = flags == "private|anonymous"
	p:uffd_register(u, a, 8 * PAGE, "missing|wp")
	p:uffd_register(v, b, 8 * PAGE, "missing|wp")
	for i = 0, 3 do
		p:uffd_zeropage(u, a + i * PAGE, PAGE)
		p:write(a + i * PAGE, "x")
	end
	p:uffd_writeprotect(u, a, 6 * PAGE, "wp")
	p:uffd_writeprotect(v, b + PAGE, PAGE, "wp")
	p:madvise(a, 2 * PAGE, "pageout")
	p:uffd_poison(u, a + 7 * PAGE, PAGE)
	expect_eq(picture(p, a), "mmPPmm.x")
	local c, cu, cv = forked(p, u, v)
	expect_eq(picture(c, a) .. " " .. picture(c, b), "mmPPmm.x .m......")
	expect(c:smaps(a).vmflags:find("um uw") and c:smaps(b).vmflags:find("um uw"))
	-- The child's fork is told to the child's descriptors, and to nobody else.
	local d, du, dv = forked(c, cu, cv)
	expect_eq(picture(d, a) .. " " .. picture(d, b), "mmPPmm.x .m......")
	expect(p:poll(u) == "" and p:poll(v) == "" and p:poll(cu) == "")
	p:uffd_writeprotect(cu, a, 6 * PAGE, "")
	expect_eq(picture(p, a) .. " " .. picture(d, a), "mmPPmm.x mmPPmm.x")
	expect_eq(picture(c, a), private and "xxpp...x" or "..pp...x")
	c:write(a, "c")
	-- Closing one lets that memory go.
	p:close(du)
	expect_eq(picture(d, a), private and "xxpp...x" or "..pp...x")
	expect(not d:smaps(a).vmflags:find("uw") and d:smaps(b).vmflags:find("uw"))
	d:write(a, "d")
	expect_signal("SIGBUS", d.load, d, a + 7 * PAGE)
	expect_errno("EAGAIN", function() p:uffd_read(dv) end)
	expect_eq(p:read(a, 1), private and "x" or "d")
	d:exit()
	c:exit()
	expect_errno("ESRCH", function() p:uffd_writeprotect(cu, a, PAGE, "wp") end)
	for _, fd in ipairs { cu, cv, dv } do
		p:close(fd)
	end
	-- Nobody is told of a child that has nothing of it.
	p:uffd_unregister(v, b, 8 * PAGE)
	p:madvise(a, 8 * PAGE, "dontfork")
	c = p:fork()
	expect(p:poll(u) == "" and not c:smaps(a))
	c:exit()
	p:madvise(a, 8 * PAGE, "dofork")
	if private then
		-- Registered, and empty.
		p:madvise(a, 8 * PAGE, "wipeonfork")
		c, cu = forked(p, u)
		expect_eq(picture(c, a), "........")
		expect(c:smaps(a).vmflags:find("um uw"))
		p:uffd_writeprotect(cu, a, PAGE, "wp")
		expect_eq(picture(c, a), "m.......")
		c:exit()
		p:close(cu)
	end
	p:munmap(a, 8 * PAGE)
	p:munmap(b, 8 * PAGE)
end
