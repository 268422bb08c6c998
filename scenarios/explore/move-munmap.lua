-- only: model (two nodes)
-- explore: --strategy pos --executions 5000
-- A page moves while its mapping goes: the family of the page is there until the move is over, and
-- both frames are free then.
-- Covers: P1
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	p:move_pages(a, 1, other, "move")
end, function()
	p:munmap(a, PAGE)
end)

expect(not p:maps(a))
