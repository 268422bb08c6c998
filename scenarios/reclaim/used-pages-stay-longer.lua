-- What is used again and again stays in memory while what was used once goes.
-- only: model (a machine of 4 MiB)
-- Covers: P4
machine { ram = 4 * M, cpus = 1 }
local p = process()
p:swapon(4096)
local hot = p:mmap { addr = 0x10000000, len = 64 * PAGE, flags = "private|anonymous|fixed" }
local cold = p:mmap { len = 1500 * PAGE }
for i = 0, 1499 do
	p:store(cold + i * PAGE, i)
	if i % 20 == 0 then
		for h = 0, 63 do
			p:store(hot + h * PAGE, i)
		end
	end
end
expect(p:smaps(cold).swap > 500 * PAGE)
expect(p:smaps(hot).swap <= 16 * PAGE)
