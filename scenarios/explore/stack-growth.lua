-- Two threads touch below a growing stack at different depths.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 4 * PAGE, flags = "private|anonymous|growsdown" }
p:store(a + 3 * PAGE, 1)

concurrent(function()
	p:store(a - PAGE, 1)
end, function()
	p:store(a - 2 * PAGE, 2)
end)

expect(p:load(a - PAGE) == 1 and p:load(a - 2 * PAGE) == 2)
