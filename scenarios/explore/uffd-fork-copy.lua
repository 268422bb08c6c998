-- only: model (what happens depends on the order)
-- fork with its event, and a page filled in meanwhile: refused while the mappings change, or done
-- in the parent alone; the child has its own registration, and what was there before. Every order
-- with two preemptions, and samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B12, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "event_fork")
local src, a = p:mmap{ len = PAGE }, p:mmap{ len = 2 * PAGE }
p:store(src, 7)
p:store(a, 5)
p:uffd_register(u, a, 2 * PAGE, "missing")
local c, m

concurrent(function()
	c = p:fork()
end, function()
	m = p:uffd_read(u)
end, function()
	local done, errno = p:try("uffd_copy", u, a + PAGE, src, PAGE)
	expect(done == PAGE or errno == "EAGAIN", errno)
end)
expect_eq(m.event, "fork")
expect(c:load(a) == 5 and c:smaps(a).vmflags:find("um"))
