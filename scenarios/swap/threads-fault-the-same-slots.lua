-- Threads bring the same pages back at the same time; each sees the data, one of them pays.
-- Covers: P3
local p = process()
p:swapon(256)
local a = p:mmap { len = 16 * PAGE }
for i = 0, 15 do
	p:write(a + i * PAGE, "page " .. i)
end
for round = 1, 3 do
	p:madvise(a, 16 * PAGE, "pageout")
	local threads = {}
	for t = 0, 3 do
		threads[t] = p:thread(function()
			for i = 0, 15 do
				local at = a + ((i + 4 * t) % 16) * PAGE
				if t % 2 == 0 then
					p:load(at)
				else
					p:fetch_add(at + 64, 1)
				end
			end
		end)
	end
	for t = 0, 3 do
		threads[t]:join()
	end
	for i = 0, 15 do
		expect_eq(p:read(a + i * PAGE, #("page " .. i)), "page " .. i)
		expect(p:load(a + i * PAGE + 64) == 2 * round)
	end
end
