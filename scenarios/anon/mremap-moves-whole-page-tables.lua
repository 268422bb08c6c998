-- Moving a large range: where old and new addresses are alike within 2 MiB (1 GiB), Linux moves
-- whole tables of entries instead of the entries. Nobody can tell but by the time it takes: every
-- page is found where it belongs, whatever the alignment.
--
--      0      2M      4M      6M
--      |X····X|X·····X|··X····|X    one page here and there, above all at the borders of tables
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local size = 6 * M + PAGE
local pages = { 0, 1, 511, 512, 1023, 1024 + 77, 1536 }

local function fill(a)
	for _, page in ipairs(pages) do
		p:store(a + page * PAGE, page + 1)
	end
	p:load(a + 600 * PAGE)
end
local function check(process, a)
	for _, page in ipairs(pages) do
		expect_eq(process:load(a + page * PAGE), page + 1)
	end
	expect(process:pagemap(a + 600 * PAGE).present)
	expect(not process:pagemap(a + 601 * PAGE).present)
	expect(process:smaps(a).rss == #pages * PAGE)
end

local a = p:mmap { addr = 0x40000000, len = size, flags = "private|anonymous|fixed" }
fill(a)
local c = p:fork()
for _, to in ipairs {
	0x80000000,             -- whole tables
	0x80000000 + 8 * M,
	0xc0000000 + PAGE,      -- entry by entry
	0xc0000000 + 9 * M,
	0x100000000 - 2 * M,    -- whole tables again, over a border of 1 GiB
	0x8000000000 - 3 * M,   -- over a border of 512 GiB
} do
	expect(p:mremap(a, size, size, "maymove|fixed", to) == to)
	expect(p:maps(a) == nil)
	a = to
	check(p, a)
	expect(p:smaps(a).shared_dirty == #pages * PAGE)
end
check(c, 0x40000000)

-- A whole GiB and a page, leaving the mapping behind; then the pages back into it.
local big = p:mmap { addr = 0x200000000, len = G + PAGE,
	flags = "private|anonymous|fixed|noreserve" }
fill(big)
p:store(big + G, 42)
local new = p:mremap(big, G + PAGE, G + PAGE, "maymove|fixed|dontunmap", 0x1000000000)
expect(p:load(new + G) == 42 and not p:pagemap(big + G).present)
expect(p:mremap(new, G + PAGE, G + PAGE, "maymove|fixed", big) == big)
for _, page in ipairs(pages) do
	expect_eq(p:load(big + page * PAGE), page + 1)
end
expect(p:load(big + G) == 42)
