-- only: model (two nodes)
-- explore: --strategy pos --executions 5000
-- One thread moves a page, another swaps it out: whoever has it first, the other leaves it alone.
-- Covers: P3, P4
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	p:move_pages(a, 1, other, "move")
end, function()
	p:madvise(a, PAGE, "pageout")
end)

expect(p:load(a) == 5)
