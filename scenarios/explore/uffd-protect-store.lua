-- only: model (what happens depends on the order)
-- A page is protected while it is written and sent to swap: the write comes before, or is refused;
-- afterwards the page is protected and has what was written. Every order with two preemptions, and
-- samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B10, B16
local p = process()
p:swapon(16)
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")
local written

concurrent(function()
	p:uffd_writeprotect(u, a, PAGE, "wp")
end, function()
	written = p:try("store", a, 2) ~= nil
end, function()
	p:madvise(a, PAGE, "pageout")
end)
expect(p:pagemap(a).uffd_wp)
expect_eq(p:load(a), written and 2 or 1)
expect_signal("SIGBUS", p.store, p, a, 3)
