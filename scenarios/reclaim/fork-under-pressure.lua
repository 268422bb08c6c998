-- Forks, copies and ends of processes while memory is short: each process keeps its own contents.
-- only: model (a machine of 4 MiB)
-- Covers: P3, P4, B10
machine { ram = 4 * M, cpus = 2 }
local p = process()
p:swapon(8192)
local pages = 400
local a = p:mmap { len = pages * PAGE }
for i = 0, pages - 1 do
	p:store(a + i * PAGE, i)
end
local all = { p }
for n = 2, 5 do
	local c = all[n - 1]:fork()
	all[n] = c
	for i = n, pages - 1, 5 do
		c:store(a + i * PAGE, 1000 * n + i)
	end
end
for n = 5, 1, -1 do
	for i = 0, pages - 1, 3 do
		local want = i
		for m = 2, n do
			if i >= m and (i - m) % 5 == 0 then
				want = 1000 * m + i
			end
		end
		expect_eq(all[n]:load(a + i * PAGE), want)
	end
	if n > 1 then
		all[n]:exit()
	end
end
