-- Threads write different pages of one file at the same time, by mapping and by descriptor, while
-- another cuts and grows its end.
-- Covers: P1
local p = process()
local fd = p:memfd_create("busy")
p:ftruncate(fd, 64 * PAGE)
local a = p:mmap { len = 64 * PAGE, flags = "shared", fd = fd }
local threads = {}
for t = 0, 2 do
	threads[t] = p:thread(function()
		for i = 0, 7 do
			p:write(a + (8 * t + i) * PAGE, ("%d%d"):format(t, i))
			p:pwrite(fd, "+", (8 * t + i) * PAGE + 2)
		end
	end)
end
threads[3] = p:thread(function()
	for i = 1, 6 do
		p:ftruncate(fd, (32 + i) * PAGE)
		p:ftruncate(fd, 64 * PAGE)
	end
end)
for t = 0, 3 do
	threads[t]:join()
end
for t = 0, 2 do
	for i = 0, 7 do
		expect_eq(p:read(a + (8 * t + i) * PAGE, 3), ("%d%d+"):format(t, i))
	end
end
