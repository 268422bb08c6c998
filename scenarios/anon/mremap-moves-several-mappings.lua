-- A pure move (MREMAP_FIXED, the size unchanged) may take several mappings at once, with the holes
-- between them (Linux 6.17). Everything else wants a single mapping.
--
--          0    4    8   12   16   20
--     a    WWRR·WW·        ········        the first seven pages go to page 12
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
local function map(page, pages, prot)
	p:mmap { addr = a + page * PAGE, len = pages * PAGE, prot = prot, flags = fixed }
end
map(0, 2, "rw")
map(2, 2, "r")
map(5, 2, "rw")
p:write(a + PAGE, "two")
p:load(a + 2 * PAGE)
p:write(a + 5 * PAGE, "six")

-- In the hole of the range the target keeps what it had.
map(12, 8, "none")
expect(p:mremap(a, 7 * PAGE, 7 * PAGE, "maymove|fixed", a + 12 * PAGE) == a + 12 * PAGE)
expect_eq(p:layout(a, 20), "............ww|rr|-|ww|-")
expect(p:read(a + 13 * PAGE, 3) == "two" and p:read(a + 17 * PAGE, 3) == "six")

-- Also when the old mappings stay.
p:mremap(a + 12 * PAGE, 4 * PAGE, 4 * PAGE, "maymove|fixed|dontunmap", a)
expect_eq(p:layout(a, 20), "ww|rr........ww|rr|-|ww|-")
expect(p:read(a + PAGE, 3) == "two" and p:load(a + 13 * PAGE) == 0)

-- It may begin and end within mappings, but has to begin in one.
p:mremap(a + PAGE, 2 * PAGE, 2 * PAGE, "maymove|fixed", a + 8 * PAGE)
expect_eq(p:layout(a, 12), "w..r....w|r..")
expect_errno("EFAULT", function()
	p:mremap(a + 2 * PAGE, 2 * PAGE, 2 * PAGE, "maymove|fixed", a + 5 * PAGE)
end)

-- No other request takes more than one mapping.
local whole = { a + 12 * PAGE, 4 * PAGE }
for _, request in ipairs {
	{ 5 * PAGE, "maymove" }, { 5 * PAGE, "maymove|fixed", a },
	{ 3 * PAGE, "maymove|fixed", a }, { 4 * PAGE, "maymove|dontunmap" },
} do
	expect_errno("EFAULT", function()
		p:mremap(whole[1], whole[2], table.unpack(request))
	end)
end
expect_eq(p:layout(a, 20), "w..r....w|r..ww|rr|-|ww|-")
