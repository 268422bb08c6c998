-- only: model (what is written out depends on the order)
-- explore: --strategy pos --executions 5000
-- A page goes to swap while a thread writes to it: the write is in the page, or in what comes back.
-- Covers: P3, P4
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE }
p:store(a, 5)

concurrent(function()
	p:madvise(a, PAGE, "pageout")
end, function()
	p:store(a, 6)
end)

expect(p:load(a) == 6)
