-- Two processes count in one word of shared memory.
-- Covers: P1
local p = process()
local a = p:mmap { len = 4 * K, flags = "shared|anonymous" }
local c = p:fork()
for i = 1, 20 do
	p:fetch_add(a, 1)
	c:fetch_add(a, 2)
end
expect(p:load(a) == 60)
expect(c:cmpxchg(a, 60, 7) == 60 and p:xchg(a, 8) == 7)
expect(c:cmpxchg(a, 7, 1) == 8)
expect(c:load(a) == 8)
