-- Two protections on one page: mprotect's is asked first, and neither gives what the other refuses.
-- Covers: B15, C5
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u)
	local a = p:mmap { len = 2 * PAGE, flags = flags }
	p:write(a, "here")
	p:write(a + PAGE, "here")
	p:uffd_register(u, a, 2 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
	p:mprotect(a, 2 * PAGE, "r")
	-- A write is an error, and no message.
	expect_signal("SIGSEGV", p.store, p, a, 1)
	expect_eq(p:poll(u), "err")
	-- Unprotected while read-only: it stays so.
	p:uffd_writeprotect(u, a, PAGE, "")
	expect_signal("SIGSEGV", p.store, p, a, 1)
	p:mprotect(a, 2 * PAGE, "rw")
	p:write(a, "free")
	local t = p:thread(function() p:write(a + PAGE, "told") end)
	expect_eq(p:uffd_read(u).addr, a + PAGE)
	p:uffd_writeprotect(u, a + PAGE, PAGE, "")
	t:join()
	-- Without any access there is nothing to tell either.
	p:uffd_writeprotect(u, a, PAGE, "wp")
	p:mprotect(a, PAGE, "none")
	expect_signal("SIGSEGV", p.load, p, a)
	p:mprotect(a, PAGE, "rw")
	expect(p:pagemap(a).uffd_wp)
	expect_eq(p:read(a, 4), "free")
	p:close(u)
end
