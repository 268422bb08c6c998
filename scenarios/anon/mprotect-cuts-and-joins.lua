-- mprotect gives the pages of a range other rights. A mapping is cut where the rights begin to
-- differ, and neighbours that no longer differ in anything are joined again.
--
--          0    4    8
--     a    WWWWWWWW
-- Covers: P1
local p = process()
local a = 0x10000000
p:mmap { addr = a, len = 8 * PAGE, flags = "private|anonymous|fixed" }
p:write(a, ("x"):rep(8 * PAGE))
for _, step in ipairs {
	{ 2, 2, "r", "ww|rr|wwww" },      -- the middle
	{ 0, 1, "r", "r|w|rr|wwww" },     -- the start
	{ 7, 1, "none", "r|w|rr|www|-" }, -- the end
	{ 1, 1, "r", "rrrr|www|-" },      -- fits on both sides
	{ 4, 2, "r", "rrrrrr|w|-" },      -- the border moves up
	{ 4, 2, "rw", "rrrr|www|-" },     -- and down
	{ 3, 5, "x", "rrr|xxxxx" },       -- over a border
	{ 0, 8, "rwx", "XXXXXXXX" },
	{ 2, 4, "rwx", "XXXXXXXX" },      -- nothing to do
	{ 0, 4, "none", "----|XXXX" },
	{ 0, 8, "none", "--------" },
	{ 0, 8, "rw", "wwwwwwww" },
} do
	local page, pages, prot, layout = table.unpack(step)
	p:mprotect(a + page * PAGE, pages * PAGE, prot)
	expect_eq(p:layout(a, 8), layout)
end
expect(p:read(a, 8 * PAGE) == ("x"):rep(8 * PAGE))
expect(p:smaps(a).private_dirty == 8 * PAGE)

-- A length is rounded up to pages. None at all is fine anywhere, mapped or not.
p:mprotect(a, PAGE + 1, "r")
expect_eq(p:layout(a, 8), "rr|wwwwww")
p:mprotect(a + PAGE, 0, "none")
p:mprotect(0x7000000, 0, "none")
expect_eq(p:layout(a, 8), "rr|wwwwww")
