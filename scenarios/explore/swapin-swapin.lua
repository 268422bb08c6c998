-- only: model (what the reader sees depends on the order)
-- explore: --strategy pos --executions 20000
-- Two threads bring one page in from swap: there is one page, and the slot goes once.
-- Covers: P3
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE }
p:store(a, 5)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	local value = p:load(a)
	expect(value == 5 or value == 6)
end, function()
	p:store(a, 6)
end)

expect(p:load(a) == 6)
expect(p:status().vmswap == 0)
