-- only: model (what happens depends on the order)
-- fork against munmap: the child has the page or has it not.
-- Covers: P2
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)
p:store(a + PAGE, 7)
local c

concurrent(p, function()
	c = p:fork()
end, p, function()
	p:munmap(a, PAGE)
end)

expect(not c:maps(a) or c:load(a) == 1)
expect(c:load(a + PAGE) == 7)
