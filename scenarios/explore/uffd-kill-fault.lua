-- only: model (what happens depends on the order)
-- A process is killed while it comes to wait for a handler that never answers: it ends, and takes
-- its message with it.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")
local h = p:fork()

concurrent(p, function()
	local value, signal = p:try("load", a)
	expect(value == nil and signal == "SIGKILL")
end, h, function()
	p:kill()
end)

expect(not p:alive())
expect_eq(h:poll(u), "")
