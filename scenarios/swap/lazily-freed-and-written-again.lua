-- A lazily freed page is dropped instead of going to swap, unless it was written since: then it
-- stays, and can go to swap the next time.
-- Covers: P3
local p = process()
p:swapon(256)
local a = p:mmap { len = 12 * K }
for i = 0, 2 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 8 * K, "free")
p:write(a + 4 * K, "PAGE")
p:madvise(a, 12 * K, "pageout")
expect(not p:pagemap(a).swapped and not p:pagemap(a).present)
-- What was written is found out only now: it counts as worth keeping, and goes the next time.
expect(p:pagemap(a + 4 * K).present and p:pagemap(a + 8 * K).swapped)
p:madvise(a, 12 * K, "pageout")
expect(p:pagemap(a + 4 * K).swapped)
expect(p:load(a) == 0)
expect_eq(p:read(a + 4 * K, 6), "PAGE 1")
-- Given up while in swap, the slot goes too.
p:madvise(a + 8 * K, 4 * K, "free")
expect(p:smaps(a).swap == 0 and p:load(a + 8 * K) == 0)
