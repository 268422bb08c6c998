-- Shared memory goes to swap under pressure, from all mappings at once, and comes back for each.
-- only: model (a machine of 4 MiB)
-- Covers: P3, P4
machine { ram = 4 * M, cpus = 1 }
local p = process()
p:swapon(4096)
local s = p:mmap { len = 1200 * PAGE, flags = "shared|anonymous" }
local c = p:fork()
for i = 0, 1199 do
	(i % 2 == 0 and p or c):store(s + i * PAGE, i)
end
expect(p:smaps(s).swap > 200 * PAGE)
for i = 0, 1199 do
	expect((i % 2 == 0 and c or p):load(s + i * PAGE) == i)
end
p:madvise(s, 600 * PAGE, "remove")
for i = 0, 1199, 50 do
	expect(c:load(s + i * PAGE) == (i < 600 and 0 or i))
end
