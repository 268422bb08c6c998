-- only: model (what happens depends on the order)
-- fetch_add of two threads on an untouched page loses nothing.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	p:fetch_add(a, 1)
end, function()
	p:fetch_add(a, 1)
end)

expect(p:load(a) == 2)
