-- only: model (what happens depends on the order)
-- explore: --memory weak --preemptions 2
-- explore: --memory tso --preemptions 2
-- A page table is made of a frame that held data: whoever finds the table finds it empty, on every
-- processor.
-- Covers: P1, R5
machine{ poison = false }
local p = process()
local keep = p:mmap{ len = PAGE }
local a = keep - 64 * M
local old = p:mmap{ len = 8 * PAGE }
p:store(keep, 1)
for page = 0, 7 do
	for entry = 508, 511 do
		p:store(old + page * PAGE + 8 * entry, 0x77)
	end
end
p:mmap{ addr = a, len = 2 * PAGE, flags = "private|anonymous|fixed" }
p:munmap(old, 8 * PAGE)

concurrent(function()
	p:store(a, 1)
end, function()
	p:store(a + PAGE, 2)
end)

expect(p:load(a) == 1 and p:load(a + PAGE) == 2)
