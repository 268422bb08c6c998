-- only: model (what happens depends on the order)
-- explore: --memory weak
-- explore: --memory tso
-- An atomic update of a program is a full barrier: store buffering and message passing through
-- simulated memory, each with one between the two accesses of each thread.
-- Covers: P1, R5
local p = process()
local a = p:mmap{ len = PAGE }
local x, y, z, w = a, a + 64, a + 128, a + 192
p:store(a, 0)
local sb1, sb2, mp1, mp2

concurrent(function()
	p:store(x, 1)
	p:fetch_add(z, 1)
	sb1 = p:load(y)
end, function()
	p:store(y, 1)
	p:fetch_add(w, 1)
	sb2 = p:load(x)
end)

expect(sb1 == 1 or sb2 == 1)
