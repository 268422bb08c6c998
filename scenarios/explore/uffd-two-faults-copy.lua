-- only: model (what happens depends on the order)
-- Two threads wait for one page: filling it lets both go. Every order with two preemptions, and
-- samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B9, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src, a = p:mmap{ len = PAGE }, p:mmap{ len = PAGE, flags = "shared|anonymous" }
p:store(src, 7)
p:uffd_register(u, a, PAGE, "missing")

concurrent(function()
	expect(p:load(a) == 7)
end, function()
	p:store(a + 8, 1)
end, function()
	p:uffd_copy(u, a, src, PAGE)
end)
expect(p:load(a) == 7 and p:load(a + 8) == 1)
