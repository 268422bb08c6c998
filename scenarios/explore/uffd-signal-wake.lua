-- only: model (what happens depends on the order)
-- A page is filled without waking who waits for it, and then woken, while a signal comes: any of
-- them has the access made again, and it is over. Every order with two preemptions, and samples of
-- the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")

concurrent(p, function()
	p:store(a, 5)
end, p, function()
	p:uffd_zeropage(u, a, PAGE, "dontwake")
	p:uffd_wake(u, a, PAGE)
end, function()
	p:signal()
end)

expect_eq(p:poll(u), "")
expect(p:load(a) == 5)
