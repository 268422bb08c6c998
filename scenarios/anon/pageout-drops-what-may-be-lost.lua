-- Without swap MADV_PAGEOUT can only get rid of pages whose contents may be lost: those that
-- MADV_FREE gave up and nobody wrote or pinned since, and those of a droppable mapping.
--
--         0    4    8   12
--     p   F    R    P    A      F given up   R given up, then written again
--     p   ·    R    P    A      P given up, but pinned   A never given up
-- Covers: P1
local p = process()
local a = p:mmap { len = 16 * K }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 12 * K, "free")
p:write(a + 4 * K, "PAGE")
local pin = p:pin(a + 8 * K, 4 * K)
expect(p:smaps(a).lazyfree == 8 * K)

p:madvise(a, 16 * K, "pageout")
expect(p:mincore(a, 16 * K) == "0111")
expect(p:smaps(a).rss == 12 * K and p:smaps(a).lazyfree == 4 * K)
expect(p:load(a) == 0)
expect(p:read(a + 4 * K, 6) == "PAGE 1" and p:read(a + 8 * K, 6) == "page 2")

p:unpin(pin)
p:madvise(a, 16 * K, "pageout")
expect(p:mincore(a, 16 * K) == "1101")
expect(p:load(a + 8 * K) == 0)
expect(p:read(a + 12 * K, 6) == "page 3")

-- A page given up by one process and shared with another waits until they are one again.
local c = p:fork()
p:madvise(a + 12 * K, 4 * K, "free")
p:madvise(a, 16 * K, "pageout")
expect(p:read(a + 12 * K, 6) == "page 3")
c:exit()
p:madvise(a, 16 * K, "pageout")
expect(p:mincore(a + 12 * K, 4 * K) == "0")

-- What was written to in vain is written data: giving it up needs to be said again.
expect(p:read(a + 4 * K, 6) == "PAGE 1")
p:madvise(a + 4 * K, 4 * K, "free")
p:madvise(a + 4 * K, 4 * K, "pageout")
expect(p:load(a + 4 * K) == 0)

-- Droppable memory is always given up, written or not; only a pin holds it.
local d = p:mmap { len = 12 * K, flags = "droppable|anonymous" }
p:write(d, "cache")
p:write(d + 4 * K, "cache")
expect(p:load(d + 8 * K) == 0)
pin = p:pin(d + 4 * K, 4 * K)
p:madvise(d, 12 * K, "pageout")
expect(p:mincore(d, 12 * K) == "011")
expect(p:read(d + 4 * K, 5) == "cache")
expect(p:smaps(d).rss == 4 * K)
