-- Under pressure locked and pinned pages stay where they are.
-- only: model (a machine of 4 MiB)
-- Covers: P4, P1
machine { ram = 4 * M, cpus = 1 }
local p = process()
p:swapon(4096)
local locked = p:mmap { addr = 0x10000000, len = 32 * PAGE, flags = "private|anonymous|fixed" }
local pinned = p:mmap { addr = 0x20000000, len = 32 * PAGE, flags = "private|anonymous|fixed" }
p:write(locked, ("l"):rep(32 * PAGE))
p:write(pinned, ("p"):rep(32 * PAGE))
p:mlock(locked, 32 * PAGE)
local pin = p:pin(pinned, 32 * PAGE)
local frame = p:model_page(pinned).pfn
local a = p:mmap { len = 1500 * PAGE }
for i = 0, 1499 do
	p:store(a + i * PAGE, i)
end
expect(p:smaps(locked).swap == 0 and p:smaps(pinned).swap == 0)
expect_eq(p:model_page(pinned).pfn, frame)
p:unpin(pin)
p:munlock(locked, 32 * PAGE)
for i = 0, 1499 do
	expect(p:load(a + i * PAGE) == i)
end
