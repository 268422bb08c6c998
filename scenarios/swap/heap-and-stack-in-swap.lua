-- The heap and a growing stack go out and come back like any memory; shrinking the heap frees
-- slots.
-- Covers: P1, P3
local p = process()
p:swapon(256)
local heap = p:brk()
p:brk(heap + 16 * K)
p:write(heap, ("h"):rep(16 * K))
p:madvise(heap, 16 * K, "pageout")
expect(p:smaps(heap).swap == 16 * K)
p:brk(heap + 8 * K)
expect(p:smaps(heap).swap == 8 * K and p:status().vmswap == 8 * K)
p:brk(heap + 16 * K)
expect(p:load(heap + 8 * K) == 0)
expect_eq(p:read(heap, 2), "hh")
local s = p:mmap { addr = 0x20000000, len = 4 * K, flags = "private|anonymous|growsdown|fixed" }
p:write(s, "stack")
p:madvise(s, 4 * K, "pageout")
p:write(s - 8, "grown")
expect(p:pagemap(s).swapped)
expect_eq(p:read(s, 5), "stack")
