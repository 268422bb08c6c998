-- Who tells a handler of an event waits until it is read. Killed meanwhile, it takes the event
-- back; a signal with a handler of its own does not end the wait.
-- Covers: B17
local events = {
	{ "unmap", function(p, a) p:munmap(a, PAGE) end },
	{ "remove", function(p, a) p:madvise(a, PAGE, "dontneed") end },
	{ "remap", function(p, a) p:mremap(a, PAGE, PAGE, "maymove|fixed", a + 8 * PAGE) end },
	{ "fork", function(p) return p:fork() end },
}

for _, event in ipairs(events) do
	local p = process()
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "event_" .. event[1])
	local h = p:fork()
	local a = p:mmap { addr = 0x10000000, len = 2 * PAGE, flags = "private|anonymous|fixed" }
	p:write(a, "a")
	p:uffd_register(u, a, 2 * PAGE, "missing")

	-- Interrupted: it goes on waiting, and is told once.
	local child
	local t = p:thread(function() child = event[2](p, a) end)
	h:uffd_wait(u)
	t:signal()
	expect(not t:done())
	local m = h:uffd_read(u)
	expect_eq(m.event, event[1])
	t:join()
	expect_eq(h:poll(u), "")
	if child then
		child:exit()
		h:close(m.fd)
	end

	-- Killed before it is read.
	t = p:thread(function()
		local ok, failure = pcall(event[2], p, event[1] == "fork" and a or a + PAGE)
		expect(not ok and failure.signal == "SIGKILL")
	end)
	h:uffd_wait(u)
	p:kill()
	t:join()
	expect_eq(h:poll(u), "")
	expect_errno("ESRCH", function() h:uffd_zeropage(u, a, PAGE) end)
	h:exit()
end
