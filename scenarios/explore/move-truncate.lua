-- only: model (two nodes)
-- explore: --strategy pos --executions 5000
-- A page of a file moves while the file is cut: it leaves the page cache in whichever frame it is.
-- Covers: P1, Z1
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local fd = p:memfd_create("cut")
p:ftruncate(fd, PAGE)
local a = p:mmap{ len = PAGE, flags = "shared", fd = fd }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	p:move_pages(a, 1, other, "move")
end, function()
	p:ftruncate(fd, 0)
end)

expect_signal("SIGBUS", p.load, p, a)
