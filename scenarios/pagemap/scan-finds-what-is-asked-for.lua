-- Which pages PAGEMAP_SCAN reports: those that have every category of category_mask, each of
-- category_inverted taken for its opposite, and any of category_anyof_mask; and of them what
-- return_mask lets through. Neighbours that read the same are one region, over holes in the tables
-- and the bounds of mappings too.
--
--     0  1  2  3  4  5  6  7
--     W  W  .  r  g  W  .  W|           written, untouched, read (the zero page), guard; the last
--                                       page is a mapping of its own, of a file
-- Covers: G1
local p = process()
local m = p:memfd_create("m")
p:ftruncate(m, PAGE)
local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
p:mmap { addr = a + 7 * PAGE, len = PAGE, flags = "shared|fixed", fd = m }
for _, page in ipairs { 0, 1, 5, 7 } do
	p:store(a + page * PAGE, 1)
end
p:load(a + 3 * PAGE)
p:madvise(a + 4 * PAGE, PAGE, "guard_install")

local function expect_found(args, want)
	args.start, args.len = a, 8 * PAGE
	local words = {}
	for i, r in ipairs((p:pagemap_scan(args))) do
		words[i] = ("%d-%d%s"):format((r.start - a) // PAGE, (r.stop - a) // PAGE,
			r.categories == "" and "" or ":" .. r.categories)
	end
	expect_eq(table.concat(words, " "), want)
end

expect_found({}, "0-2:written|present 2-3:written 3-4:written|present|pfnzero " ..
	"4-5:written|swapped|guard 5-6:written|present 6-7:written 7-8:written|file|present")
-- Every one of them.
expect_found({ category_mask = "present", return_mask = 0 }, "0-2 3-4 5-6 7-8")
expect_found({ category_mask = "present|pfnzero", return_mask = "present" }, "3-4:present")
expect_found({ category_mask = "present|swapped" }, "")
expect_found({ category_mask = "huge" }, "")
expect_found({ category_mask = "wpallowed" }, "")
-- Any of them.
expect_found({ category_anyof_mask = "pfnzero|guard|file", return_mask = 0 }, "3-5 7-8")
expect_found({ category_mask = "present", category_anyof_mask = "file|pfnzero" },
	"3-4:written|present|pfnzero 7-8:written|file|present")
-- The opposite: not present; present and no file's; no page that is written and not the zero page.
expect_found({ category_mask = "present", category_inverted = "present", return_mask = 0 },
	"2-3 4-5 6-7")
expect_found({ category_mask = "present|file", category_inverted = "file", return_mask = 0 },
	"0-2 3-4 5-6")
expect_found({ category_anyof_mask = "present|swapped", category_inverted = "present",
	return_mask = 0 }, "2-3 4-5 6-7")
expect_found({ category_mask = "written", category_inverted = "written" }, "")
-- What is returned decides what is one region.
expect_found({ return_mask = 0 }, "0-8")
expect_found({ return_mask = "written" }, "0-8:written")
expect_found({ return_mask = "present" },
	"0-2:present 2-3 3-4:present 4-5 5-6:present 6-7 7-8:present")
expect_found({ return_mask = "guard|file" }, "0-4 4-5:guard 5-7 7-8:file")

-- Between mappings there is nothing to be found, whatever is asked for.
p:munmap(a + PAGE, PAGE)
expect_found({ return_mask = 0 }, "0-1 2-8")
expect_found({ category_mask = "present", category_inverted = "present", return_mask = 0 },
	"2-3 4-5 6-7")
