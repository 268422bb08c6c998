-- only: model (what happens depends on the order)
-- A page in swap is moved while a thread reads it where it was: the read was before, or finds
-- zeros; the page comes in at the new place. Every order with two preemptions, and samples of the
-- others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: B10, B17, P3
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
p:swapon(16)
p:store(src, 7)
p:madvise(src, PAGE, "pageout")
p:uffd_register(u, dst, PAGE, "missing")
local seen

concurrent(function()
	p:uffd_move(u, dst, src, PAGE)
end, function()
	seen = p:load(src)
end)
expect(seen == 7 or seen == 0)
expect(p:load(dst) == 7 and p:load(src) == 0)
