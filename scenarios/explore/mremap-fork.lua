-- only: model (what happens depends on the order)
-- A page moves while another thread forks: the child finds it at one of the two places.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
local to = p:mmap{ len = PAGE, prot = "none" }
p:store(a, 1)
local c

concurrent(p, function()
	c = p:fork()
end, p, function()
	p:mremap(a, PAGE, PAGE, "maymove|fixed", to)
end)

local at = c:maps(a) and a or to
expect(c:load(at) == 1)
