-- only: model (what happens depends on the order)
-- explore: --strategy pos --executions 20000
-- A page of shared memory comes back from swap while another fault reads the slots around it ahead:
-- what is read of the slot that was just given up goes with it.
-- Covers: P3
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE, flags = "shared|anonymous" }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	expect_eq(p:load(a), 1)
end, function()
	expect_eq(p:load(a), 1)
end)
