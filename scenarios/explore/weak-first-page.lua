-- only: model (what happens depends on the order)
-- explore: --memory weak
-- explore: --memory tso
-- A page is made of a frame that held something: who finds its entry in the table finds what was
-- put into the frame before, on every processor, without a barrier of his own.
-- Covers: P1, R5
local p = process()
local old = p:mmap{ len = 8 * PAGE }
for i = 0, 7 do
	p:store(old + i * PAGE, 0x1111)
end
local a = p:mmap{ len = PAGE }
p:munmap(old, 8 * PAGE)

concurrent(function()
	p:store(a, 1)
end, function()
	local value = p:load(a)
	expect(value == 0 or value == 1)
end)

expect(p:load(a) == 1)
