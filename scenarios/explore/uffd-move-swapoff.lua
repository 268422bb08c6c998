-- only: model (what happens depends on the order)
-- The area that a page is in goes while the page's entry moves: swapoff finds it in one of the two
-- places. Every order with two preemptions, and samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B10, B17, P3
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
local area = p:swapon(16)
p:store(src, 7)
p:madvise(src, PAGE, "pageout")
p:uffd_register(u, dst, PAGE, "missing")

concurrent(function()
	p:uffd_move(u, dst, src, PAGE)
end, function()
	p:swapoff(area)
end)
expect(p:load(dst) == 7 and p:load(src) == 0)
expect(not p:pagemap(dst).swapped)
