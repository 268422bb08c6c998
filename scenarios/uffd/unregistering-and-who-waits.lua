-- Whatever a fault waits for, its message has the thread and the exact address. Unregistering lets
-- go who waits in memory registered for missing pages; who waits for protection alone to go, goes
-- on waiting until UFFDIO_WAKE says so, though nothing is protected any more.
-- Covers: B6, B16, B17
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, 4 * PAGE)
p:pwrite(fd, "minor")
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "thread_id|exact_address")
local function told(flags, addr)
	p:uffd_wait(u)
	local m = p:uffd_read(u)
	expect(m.flags == flags and m.addr == addr and m.thread ~= 0)
	return m.thread
end
local a = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, 4 * PAGE, "missing|wp|minor")
local t = p:thread(function()
	expect_eq(p:read(a + 3, 2), "or")
	p:write(a + PAGE + 9, "w")
	-- Over a border: first the one page, then the other.
	p:write(a + 2 * PAGE - 1, "ww")
end)
local id = told("minor", a + 3)
p:uffd_continue(u, a, PAGE)
expect_eq(told("write", a + PAGE + 9), id)
p:uffd_zeropage(u, a + PAGE, PAGE)
expect_eq(told("write", a + 2 * PAGE), id)
p:uffd_zeropage(u, a + 2 * PAGE, PAGE)
t:join()
p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
t = p:thread(function() p:write(a + PAGE + 30, "x") end)
expect(told("write|wp", a + PAGE + 30) ~= id)
p:uffd_unregister(u, a, 4 * PAGE)
t:join()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for _, modes in ipairs { "wp", "missing|wp" } do
		local b = p:mmap { len = PAGE, flags = flags }
		p:write(b, "b")
		p:uffd_register(u, b, PAGE, modes)
		p:uffd_writeprotect(u, b, PAGE, "wp")
		t = p:thread(function() p:write(b + 5, "B") end)
		told("write|wp", b + 5)
		p:uffd_unregister(u, b, PAGE)
		expect(not p:pagemap(b).uffd_wp and not p:smaps(b).vmflags:find("uw"))
		if modes == "wp" then
			expect(not t:done())
			p:uffd_wake(u, b, PAGE)
		end
		t:join()
		expect_eq(p:read(b + 5, 1), "B")
	end
end
