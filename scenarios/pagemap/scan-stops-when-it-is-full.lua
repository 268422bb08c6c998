-- PAGEMAP_SCAN stops where vec has no room for one region more, or max_pages are found; walk_end
-- says how far it came, from where the next one goes on. Room that is left is no reason to look
-- further than the last page that counts.
--
--     0  1  2  3  4  5  6  7
--     W  W  .  W  .  W  W  W
-- Covers: G1
local p = process()
local a = p:mmap { len = 8 * PAGE }
for _, page in ipairs { 0, 1, 3, 5, 6, 7 } do
	p:store(a + page * PAGE, 1)
end

local function scan(args)
	args.start, args.len = args.start or a, args.len or 8 * PAGE
	args.category_mask, args.return_mask = "present", "present"
	local words = {}
	local regions, stop, count = p:pagemap_scan(args)
	expect_eq(count, #regions)
	for i, r in ipairs(regions) do
		words[i] = ("%d-%d"):format((r.start - a) // PAGE, (r.stop - a) // PAGE)
	end
	words[#words + 1] = "to " .. (stop - a) // PAGE
	return table.concat(words, " "), stop
end

expect_eq(scan {}, "0-2 3-4 5-8 to 8")
expect_eq(scan { vec_len = 3 }, "0-2 3-4 5-8 to 8")
expect_eq(scan { vec_len = 2 }, "0-2 3-4 to 5")
expect_eq(scan { vec_len = 1 }, "0-2 to 3")
expect_eq(scan { max_pages = 6 }, "0-2 3-4 5-8 to 8")
expect_eq(scan { max_pages = 5 }, "0-2 3-4 5-7 to 7")
expect_eq(scan { max_pages = 3 }, "0-2 3-4 to 5")
expect_eq(scan { max_pages = 2 }, "0-2 to 3")
expect_eq(scan { max_pages = 1 }, "0-1 to 1")
-- Whichever comes first.
expect_eq(scan { vec_len = 1, max_pages = 1 }, "0-1 to 1")
expect_eq(scan { vec_len = 2, max_pages = 2 }, "0-2 to 3")
-- Without room for any, and without vec, nothing is said and nothing stops the walk.
expect_eq(scan { vec_len = 0 }, "to 8")
expect_eq(scan { vec = false }, "to 8")
expect_eq(scan { vec_len = 0, max_pages = 1 }, "to 8")
-- A range ends with the page that its last byte is in, which need not be mapped.
expect_eq(scan { len = 1 }, "0-1 to 1")
expect_eq(scan { len = 3 * PAGE + 1 }, "0-2 3-4 to 4")
expect_eq(scan { start = a + 2 * PAGE, len = PAGE }, "to 3")
expect_eq(scan { start = a - 4 * PAGE, len = 5 * PAGE }, "0-1 to 1")
expect_eq(scan { start = a - 4 * PAGE, len = 4 * PAGE }, "to 0")
expect_eq(scan { len = 0 }, "to 0")

-- In steps of one page all are found.
local found, from = {}, a
repeat
	local text, stop = scan { start = from, len = a + 8 * PAGE - from, max_pages = 1 }
	found[#found + 1], from = text:match("^%d+"), stop
until from == a + 8 * PAGE
expect_eq(table.concat(found, " "), "0 1 3 5 6 7")

-- Regions are handed over 512 at a time, and a walk that comes to its end after that says that it
-- ended where the last of these began.
local many = 2400
local b = p:mmap { addr = 0x20000000 - 700 * PAGE, len = many * PAGE,
	flags = "private|anonymous|fixed" }
for page = 0, many - 1, 2 do
	p:store(b + page * PAGE, 1)
end
local function expect_stop(vec_len, max_pages, want_count, want_stop)
	local regions, stop, count = p:pagemap_scan { start = b, len = many * PAGE,
		category_mask = "present", vec_len = vec_len, max_pages = max_pages }
	expect_eq(count, want_count)
	expect_eq(regions[count].stop, b + (2 * count - 1) * PAGE)
	expect_eq((stop - b) // PAGE, want_stop)
end
expect_stop(1200, 0, 1200, 2048)
expect_stop(1300, 0, 1200, 2048)
expect_stop(600, 0, 600, 1200)
expect_stop(512, 0, 512, 1024)
expect_stop(1300, 513, 513, 1026)
expect_stop(1300, 1200, 1200, 2048)
