-- only: model (what happens depends on the order)
-- Two threads change the protection of ranges that overlap.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 3 * PAGE }
for i = 0, 2 do p:store(a + i * PAGE, i) end

concurrent(function()
	p:mprotect(a, 2 * PAGE, "r")
end, function()
	p:mprotect(a + PAGE, 2 * PAGE, "none")
end)

expect(p:load(a) == 0)
local middle = p:maps(a + PAGE).perms:sub(1, 3)
expect(middle == "r--" or middle == "---")
