-- Two threads give the same pages back.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)
p:store(a + PAGE, 1)

concurrent(function()
	p:madvise(a, 2 * PAGE, "dontneed")
end, function()
	p:madvise(a, 2 * PAGE, "dontneed")
end)

expect(p:load(a) == 0 and p:load(a + PAGE) == 0)
