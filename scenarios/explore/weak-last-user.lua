-- only: model (what happens depends on the order)
-- explore: --memory weak
-- explore: --memory tso
-- Parent and child leave a page that both map: the last one frees it, and sees that the other has
-- left, on every processor.
-- Covers: P2, R5
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)
p:store(a + PAGE, 1)
local c = p:fork()

concurrent(p, function()
	p:store(a, 2)
end, c, function()
	c:store(a, 3)
end)

expect(p:load(a) == 2 and c:load(a) == 3)
