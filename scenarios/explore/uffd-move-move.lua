-- only: model (what happens depends on the order)
-- Two pages move between two places, each to where the other's table is. Every order with two
-- preemptions, and samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "move")
local a = p:mmap { addr = 0x10000000, len = 2 * PAGE, flags = "private|anonymous|fixed" }
local b = p:mmap { addr = 0x20000000, len = 2 * PAGE, flags = "private|anonymous|fixed" }
p:uffd_register(u, a, 2 * PAGE, "wp")
p:uffd_register(u, b, 2 * PAGE, "wp")
p:store(a, 1)
p:store(b + PAGE, 2)

concurrent(function()
	p:uffd_move(u, b, a, PAGE)
end, function()
	p:uffd_move(u, a + PAGE, b + PAGE, PAGE)
end)

verify()
expect(p:load(b) == 1 and p:load(a + PAGE) == 2)
