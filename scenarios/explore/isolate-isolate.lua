-- Two threads take the same page off its list: to move it to the other node, and to reclaim it.
-- only: model (two nodes)
-- explore: --strategy pos --executions 5000
-- Covers: P4
machine{ nodes = 2, ram = 4 * M, cpus = 2 }
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local node = p:move_pages(a, 1)[1]
local other = 1 - node
p:move_pages(a, 1, other, "move")
p:move_pages(a, 1, node, "move")

concurrent(function()
	p:move_pages(a, 1, other, "move")
end, function()
	p:madvise(a, PAGE, "pageout")
end)

expect(p:load(a) == 1)
