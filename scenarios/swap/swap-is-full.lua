-- When swap is full what does not fit stays in memory; nothing is lost and nothing is an error.
-- Covers: P3
local p = process()
p:swapon(65)
local pages = 100
local a = p:mmap { len = pages * PAGE }
for i = 0, pages - 1 do
	p:write(a + i * PAGE, "page " .. i)
end
p:madvise(a, pages * PAGE, "pageout")
expect(p:smaps(a).swap <= 64 * PAGE and p:smaps(a).rss >= (pages - 64) * PAGE)
for i = 0, pages - 1 do
	expect_eq(p:read(a + i * PAGE, #("page " .. i)), "page " .. i)
end
