-- mlock brings a page in while another thread touches it: it is there once, and locked.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	p:store(a, 1)
end, function()
	p:mlock(a, PAGE)
end)

expect(p:load(a) == 1)
expect(p:smaps(a).locked == PAGE)
