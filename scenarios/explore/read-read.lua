-- Two threads read the same untouched page: the zero page, without a copy.
-- Covers: P2
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	expect(p:load(a) == 0)
end, function()
	expect(p:load(a) == 0)
end)

expect(p:smaps(a).anonymous == PAGE)
