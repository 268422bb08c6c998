-- only: model (what happens depends on the order)
-- A page goes out to swap while another thread writes to it.
-- explore: --strategy pos --executions 10000
-- Covers: P4
local p = process()
p:swapon(64)
local a = p:mmap{ len = PAGE }
p:store(a, 1)

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	p:store(a, 2)
end)

expect(p:load(a) == 2)
