-- Two threads unmap ranges that overlap.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 3 * PAGE }
for i = 0, 2 do p:store(a + i * PAGE, i) end

concurrent(function()
	p:munmap(a, 2 * PAGE)
end, function()
	p:munmap(a + PAGE, 2 * PAGE)
end)

expect(not p:maps(a) and not p:maps(a + PAGE) and not p:maps(a + 2 * PAGE))
