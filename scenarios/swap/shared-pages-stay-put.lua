-- MADV_PAGEOUT leaves alone what others map too, and what is pinned; the last one to have a page
-- may send it out.
-- Covers: P3
local p = process()
p:swapon(256)
local a = p:mmap { len = 12 * K }
p:write(a, ("a"):rep(12 * K))
local c = p:fork()
c:write(a + 8 * K, "c")
p:madvise(a, 12 * K, "pageout")
expect(p:smaps(a).swap == 4 * K and p:pagemap(a + 8 * K).swapped)
c:exit()
local pin = p:pin(a, 4 * K)
p:madvise(a, 12 * K, "pageout")
expect(p:pagemap(a).present and p:pagemap(a + 4 * K).swapped)
p:unpin(pin)
p:madvise(a, 12 * K, "pageout")
expect(p:smaps(a).swap == 12 * K)
expect_eq(p:read(a, 12 * K), ("a"):rep(12 * K))
