-- A group at its limit takes back from itself, not from others; with nothing to take, one of its
-- own dies.
-- only: model (the kernel's groups are the machine's)
-- Covers: P4
machine { ram = 64 * M, cpus = 2 }
local p, other = process(), process()
local o = other:mmap { len = 64 * PAGE }
other:write(o, ("o"):rep(64 * PAGE))
local g = group(128 * PAGE)
p:join_group(g)
p:swapon(1024)
local a = p:mmap { len = 256 * PAGE }
for i = 0, 255 do
	p:store(a + i * PAGE, i)
end
expect(group_usage(g) <= 128 * PAGE)
expect(p:smaps(a).swap >= 128 * PAGE)
expect(other:smaps(o).swap == 0)
for i = 0, 255 do
	expect(p:load(a + i * PAGE) == i)
end
-- Asked to give back.
expect(group_reclaim(g, 32 * PAGE) >= 32 * PAGE)
expect(group_usage(g) <= 96 * PAGE)
-- Children belong to their parent's group; what is freed is not counted any more.
local c = p:fork()
p:exit()
c:munmap(a, 256 * PAGE)
expect(group_usage(g) == 0)
