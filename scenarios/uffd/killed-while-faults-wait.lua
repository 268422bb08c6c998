-- Death while faults wait. Who is killed waits no longer, and its message goes with it, unread or
-- read; when the handler's process is killed its descriptor closes, and the faults go on as if
-- nobody had ever watched.
-- Covers: B17
local function watched(mode)
	local p = process()
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u)
	local src = p:mmap { addr = 0x20000000, len = PAGE, flags = "private|anonymous|fixed" }
	local a = p:mmap { addr = 0x10000000, len = 2 * PAGE, flags = "private|anonymous|fixed" }
	p:write(a + PAGE, "p")
	p:uffd_register(u, a, 2 * PAGE, mode or "missing")
	return p, u, a, src
end

-- Killed before the message was read.
local p, u, a, src = watched()
local h = p:fork()
local t = p:thread(function()
	local ok, signal = p:try("store", a, 1)
	expect(not ok and signal == "SIGKILL")
end)
h:uffd_wait(u)
p:kill()
t:join()
expect(not p:alive())
expect_eq(h:poll(u), "")
expect_errno("EAGAIN", function() h:uffd_read(u) end)
expect_errno("ESRCH", function() h:uffd_copy(u, a, src, PAGE) end)
h:uffd_wake(u, a, PAGE)
h:exit()

-- And after; several of its threads wait for different things.
p, u, a, src = watched("missing|wp")
p:uffd_writeprotect(u, a + PAGE, PAGE, "wp")
h = p:fork()
local threads = {}
for i = 1, 2 do
	threads[i] = p:thread(function()
		expect_eq(select(2, p:try("load", a)), "SIGKILL")
	end)
	h:uffd_wait(u)
	expect_eq(h:uffd_read(u).addr, a)
end
threads[3] = p:thread(function()
	expect_eq(select(2, p:try("write", a + PAGE, "w")), "SIGKILL")
end)
h:uffd_wait(u)
p:kill()
for _, thread in ipairs(threads) do
	thread:join()
end
expect_eq(h:poll(u), "")
h:exit()

-- The handler's process is killed: nothing is watched any more.
p, u, a, src = watched("missing|wp")
p:uffd_writeprotect(u, a + PAGE, PAGE, "wp")
h = p:fork()
p:close(u)
t = p:thread(function() expect(p:load(a) == 0) end)
h:uffd_wait(u)
expect_eq(h:uffd_read(u).addr, a)
local w = p:thread(function() p:write(a + PAGE, "w") end)
h:uffd_wait(u)
h:kill()
t:join()
w:join()
expect_eq(p:read(a + PAGE, 2), "w\0")
expect(not p:smaps(a).vmflags:find("um"))

-- So is one that is waiting for a message.
p, u, a = watched()
local v = p:userfaultfd()
p:uffd_api(v)
h = p:fork()
t = h:thread(function() expect_eq(select(2, h:try("uffd_read", v)), "SIGKILL") end)
h:kill()
t:join()
