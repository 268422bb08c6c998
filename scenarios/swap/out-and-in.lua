-- An anonymous page goes to swap when it is paged out, and comes back with the next access: the
-- entry holds its slot meanwhile.
--
--     a    0    4    8   12        written; then all paged out; then page 0 read, page 1 written
-- Covers: P3, A1, G1
local p = process()
p:swapon(256)
local a = p:mmap { len = 16 * K }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 16 * K, "pageout")
for i = 0, 3 do
	local page = p:pagemap(a + i * 4 * K)
	expect(page.swapped and not page.present and not page.file)
end
local s = p:smaps(a)
expect(s.swap == 16 * K and s.swappss == 16 * K and s.rss == 0)
expect(p:status().vmswap == 16 * K and p:smaps_rollup().swap == 16 * K)
expect_eq(p:read(a, 6), "page 0")
p:write(a + 4 * K, "PAGE")
expect_eq(p:read(a + 4 * K, 6), "PAGE 1")
expect(p:pagemap(a + 4 * K).present and p:pagemap(a + 4 * K).exclusive)
expect(p:pagemap(a + 8 * K).swapped)
expect(p:smaps(a).swap == 8 * K)
-- Out again, what was written since included.
p:madvise(a, 16 * K, "pageout")
expect(p:smaps(a).swap == 16 * K)
expect_eq(p:read(a + 4 * K, 6), "PAGE 1")
-- Thrown away in swap.
p:madvise(a + 8 * K, 8 * K, "dontneed")
expect(p:load(a + 8 * K) == 0)
p:munmap(a, 16 * K)
expect(p:status().vmswap == 0)
