-- Many processes refer to one slot; each takes the data back in its own time.
-- Covers: P3, B10
local p = process()
p:swapon(256)
local a = p:mmap { len = 8 * K }
p:write(a, "root")
p:write(a + 4 * K, "root")
p:madvise(a, 8 * K, "pageout")
local all = { p }
for i = 2, 8 do
	all[i] = all[(i + 1) // 2]:fork()
end
expect(p:smaps(a).swappss == 2 * (4 * K // 8))
for i = 2, 8, 2 do
	all[i]:write(a, ("n%d"):format(i))
end
for i = 1, 8 do
	expect_eq(all[i]:read(a, 4), i % 2 == 0 and ("n%dot"):format(i) or "root")
	expect_eq(all[i]:read(a + 4 * K, 4), "root")
end
for i = 1, 7 do
	all[i]:exit()
end
all[8]:write(a + 4 * K, "last")
expect_eq(all[8]:read(a + 4 * K, 4), "last")
