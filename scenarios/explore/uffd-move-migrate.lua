-- only: model (two nodes)
-- A page moves to another address while it moves to another node: both happen, or the address is
-- refused while the frame is copied. Every order with two preemptions, and samples of the others.
-- explore: --preemptions 2
-- explore: --strategy pos --executions 2000
-- Covers: A3, B17
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local src = p:mmap{ len = PAGE }
local dst = p:mmap{ addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
p:store(src, 7)
p:uffd_register(u, dst, PAGE, "missing")
local other = 1 - p:move_pages(src, 1)[1]
local moved, errno

concurrent(function()
	moved, errno = p:try("uffd_move", u, dst, src, PAGE)
end, function()
	p:move_pages(src, 1, other, "move")
end)
expect(moved == PAGE or errno == "EBUSY", errno)
expect(p:load(moved and dst or src) == 7)
expect(not moved or p:load(src) == 0)
