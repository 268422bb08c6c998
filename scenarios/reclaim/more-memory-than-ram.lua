-- Processes use twice the memory that there is: what was not used lately goes to swap by itself,
-- and everything is there when it is asked for.
-- only: model (a machine of 4 MiB)
-- Covers: P3, P4
machine { ram = 4 * M, cpus = 1 }
local p = process()
p:swapon(4096)
local pages = 2048
local a = p:mmap { len = pages * PAGE }
for i = 0, pages - 1 do
	p:store(a + i * PAGE, i + 1)
end
expect(p:smaps(a).swap > 1024 * PAGE)
for round = 1, 2 do
	for i = 0, pages - 1, 7 do
		expect(p:load(a + i * PAGE) == i + 1)
	end
end
local c = counters()
expect(c.pswpout > 1000 and c.pswpin > 100 and c.pgsteal_direct + c.pgsteal_kswapd > 1000)
