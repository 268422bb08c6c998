-- only: model (two nodes)
-- A page is protected while it moves to another node: the protection is in its entry, or in that
-- of the move, and stops a write after.
-- Covers: A3, B11
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	p:uffd_writeprotect(u, a, PAGE, "wp")
end, function()
	p:move_pages(a, 1, other, "move")
end)
expect(p:pagemap(a).uffd_wp and p:load(a) == 1)
expect_signal("SIGBUS", p.store, p, a, 2)
