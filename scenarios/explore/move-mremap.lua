-- only: model (two nodes)
-- A page moves to the other node while its entry moves to another vma: the walk that brings the
-- entry back finds it in one of the two.
-- Covers: P1
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local a = p:mmap{ len = PAGE }
local b = p:mmap{ len = PAGE }
p:store(a, 5)
local other = 1 - p:move_pages(a, 1)[1]

concurrent(function()
	p:move_pages(a, 1, other, "move")
end, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", b)
end)

expect(p:load(b) == 5)
