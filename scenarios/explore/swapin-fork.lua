-- only: model (what the child has depends on the order)
-- A write that brings a page in from swap against fork: the slot is counted for who has it, and
-- parent and child do not see each other's writes.
-- Covers: P2, P3
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE }
p:store(a, 5)
p:madvise(a, PAGE, "pageout")
local c

concurrent(function()
	c = p:fork()
end, function()
	p:store(a, 6)
end)

expect(p:load(a) == 6)
local value = c:load(a)
expect(value == 5 or value == 6)
c:store(a, 7)
expect(p:load(a) == 6)
