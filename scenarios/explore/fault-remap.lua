-- only: model (what happens depends on the order)
-- One thread faults; the other unmaps the page and maps a new one at its address.
-- Covers: P1
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	p:try("store", a, 1)
end, function()
	p:munmap(a, PAGE)
	p:mmap{ addr = a, len = PAGE, flags = "private|anonymous|fixed" }
end)

local value = p:load(a)
expect(value == 0 or value == 1)
