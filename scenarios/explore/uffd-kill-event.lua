-- only: model (what happens depends on the order)
-- A process is killed while it tells its handler, another process, of an event that this one reads:
-- read or not, both come to an end.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "event_unmap|event_fork")
local h = p:fork()
local k = process()
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")

concurrent(p, function()
	p:try("fork")
end, h, function()
	local m = h:try("uffd_read", u)
	expect(not m or m.event == "fork")
end, k, function()
	p:kill()
end)

expect(not p:alive())
expect_eq(h:poll(u), "")
