-- only: model (what happens depends on the order)
-- A read of an untouched page against the first write to it.
-- Covers: P2
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)
local seen

concurrent(function()
	seen = p:load(a)
end, function()
	p:store(a, 5)
end)

expect(seen == 0 or seen == 5)
expect(p:load(a) == 5)
