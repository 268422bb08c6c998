-- only: model (what happens depends on the order)
-- A process is killed while its handler, another process, fills the page that it waits for: the
-- page is filled or there is no such process, and nothing is left of either.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local src = p:mmap { len = PAGE }
p:store(src, 5)
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")
local h = p:fork()
local k = process()

concurrent(p, function()
	local value, signal = p:try("load", a)
	expect(value == 5 or signal == "SIGKILL")
end, h, function()
	local copied, errno = h:try("uffd_copy", u, a, src, PAGE)
	expect(copied == PAGE or errno == "ESRCH")
end, k, function()
	p:kill()
end)

expect(not p:alive())
expect_eq(h:poll(u), "")
