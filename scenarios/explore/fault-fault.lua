-- Two threads touch the same page for the first time: one of them brings it in.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7) -- the tables are there

concurrent(function()
	p:store(a, 1)
end, function()
	p:store(a + 8, 2)
end)

expect(p:load(a) == 1 and p:load(a + 8) == 2)
expect(p:smaps(a).rss == 2 * PAGE)
