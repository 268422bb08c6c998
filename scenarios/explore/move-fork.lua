-- only: model (two nodes)
-- explore: --strategy pos --executions 5000
-- fork copies the entry of a page that is moving: whatever it is at that moment, both processes
-- have the page in the end.
-- Covers: P1, P2
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]
local c

concurrent(function()
	p:move_pages(a, 1, other, "move_all")
end, function()
	c = p:fork()
end)

expect(c:load(a) == 5)
c:store(a, 6)
expect(p:load(a) == 5)
