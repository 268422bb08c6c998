-- only: model (two nodes)
-- A page moves to the other node while a thread writes to it: the write is in the frame that has
-- the page at the end.
-- Covers: P1
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	expect(p:move_pages(a, 1, other, "move")[1] == other)
end, function()
	p:store(a, 6)
end)

expect(p:load(a) == 6)
expect(p:move_pages(a, 1)[1] == other)
