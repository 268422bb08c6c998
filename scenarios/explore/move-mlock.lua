-- only: model (two nodes)
-- explore: --strategy pos --executions 5000
-- A page moves while mlock counts it: it is counted once, in the frame where it is in the end.
-- Covers: P1
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	p:move_pages(a, 1, other, "move")
end, function()
	p:mlock(a, PAGE)
end)

expect(p:model_page(a).mlocked)
p:munlock(a, PAGE)
expect(not p:model_page(a).mlocked)
expect(p:load(a) == 5)
