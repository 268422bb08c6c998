-- only: model (what happens depends on the order)
-- Pages go out to swap while another thread gives one of them back.
-- explore: --strategy pos --executions 10000
-- Covers: P4
local p = process()
p:swapon(64)
local a = p:mmap{ len = 2 * PAGE }
p:store(a, 1)
p:store(a + PAGE, 2)

concurrent(function()
	p:madvise(a, 2 * PAGE, "pageout")
end, function()
	p:madvise(a, PAGE, "dontneed")
end)

expect(p:load(a) == 0 and p:load(a + PAGE) == 2)
