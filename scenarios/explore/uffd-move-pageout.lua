-- only: model (what happens depends on the order)
-- A page moves while reclaim takes it: wherever it is found, it ends at its new place, or the move
-- is refused and it stays. Every order with two preemptions, and samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B17, P4
local p = process()
p:swapon(64)
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "move")
local src = p:mmap { len = PAGE }
local dst = p:mmap { addr = 0x20000000, len = PAGE, flags = "private|anonymous|fixed" }
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")

concurrent(function()
	p:uffd_move(u, dst, src, PAGE)
end, function()
	p:madvise(src, PAGE, "pageout")
end)

verify()
expect(p:load(dst) == 7 and not p:pagemap(src).present and not p:pagemap(src).swapped)
