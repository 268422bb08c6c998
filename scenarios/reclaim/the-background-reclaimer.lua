-- kswapd keeps free memory above a mark: below the low one it works until the high one is reached.
-- only: model (the kernel has its own)
-- Covers: P4
machine { ram = 16 * M, cpus = 1 }
local p = process()
p:swapon(4096)
local a = p:mmap { len = 3000 * PAGE }
for i = 0, 2999 do
	p:store(a + i * PAGE, i)
end
p:madvise(a, 3000 * PAGE, "cold")
expect(kswapd(0) == 0)
local b = p:mmap { len = 1200 * PAGE }
local freed = 0
for i = 0, 1199 do
	p:store(b + i * PAGE, i)
	freed = freed + kswapd(0)
end
expect(freed > 0)
expect(counters().pgsteal_kswapd == freed)
for i = 0, 2999, 11 do
	expect(p:load(a + i * PAGE) == i)
end
expect(kswapd(0, true) >= 0)
