-- only: model (what happens depends on the order)
-- A page goes out to swap while its process forks.
-- Covers: P4
local p = process()
p:swapon(64)
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	c = p:fork()
end)

p:store(a, 2)
expect(c:load(a) == 1 and p:load(a) == 2)
