-- Two processes run out of memory at once: one of them dies, and the other goes on.
-- only: model (so little memory)
-- explore: --strategy pos --executions 1000
-- Covers: P4
machine{ ram = 256 * K, cpus = 2, overcommit = 1 }
local p, q = process(), process()
local a, b = p:mmap{ len = 64 * PAGE }, q:mmap{ len = 64 * PAGE }
for i = 0, 24 do
	p:store(a + i * PAGE, 1)
	q:store(b + i * PAGE, 1)
end

concurrent(p, function()
	for i = 25, 32 do
		pcall(p.store, p, a + i * PAGE, 1)
	end
end, q, function()
	for i = 25, 32 do
		pcall(q.store, q, b + i * PAGE, 1)
	end
end)

local first, second = pcall(p.load, p, a), pcall(q.load, q, b)
expect((first or second) and not (first and second))
