-- MAP_FIXED puts the mapping where it is told and unmaps whatever was there; MAP_FIXED_NOREPLACE
-- refuses instead.
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
for page = 0, 7 do
	p:mmap { addr = a + page * PAGE, len = PAGE, flags = fixed }
	p:write(a + page * PAGE, "page " .. page)
end
expect_eq(p:layout(a, 8), "wwwwwwww")
expect(p:smaps(a).rss == 8 * PAGE)

--          0    4    8
--     a    AABBBAAA          B replaces pages 2 to 4, their contents are gone
expect(p:mmap { addr = a + 2 * PAGE, len = 3 * PAGE, prot = "r", flags = fixed } == a + 2 * PAGE)
expect_eq(p:layout(a, 8), "ww|rrr|www")
expect(p:read(a + 2 * PAGE, 6) == ("\0"):rep(6))
expect(p:read(a + PAGE, 6) == "page 1")
expect(p:read(a + 5 * PAGE, 6) == "page 5")
expect(p:smaps(a + 2 * PAGE).rss == 0)

-- Over a hole and the ends of two mappings at once.
p:munmap(a + 3 * PAGE, PAGE)
expect_eq(p:layout(a, 8), "ww|r.r|www")
p:mmap { addr = a + PAGE, len = 5 * PAGE, prot = "none", flags = fixed }
expect_eq(p:layout(a, 8), "w|-----|ww")

-- The same flags again join the neighbours, and the contents are gone all the same.
p:mmap { addr = a + PAGE, len = 5 * PAGE, flags = fixed }
expect_eq(p:layout(a, 8), "wwwwwwww")
expect(p:read(a + 5 * PAGE, 1) == "\0")
expect(p:read(a + 6 * PAGE, 6) == "page 6")

-- NOREPLACE: one page in the way is enough, and a free place is taken as with MAP_FIXED.
local careful = "private|anonymous|fixed_noreplace"
for _, from in ipairs { -1, 0, 7 } do
	expect_errno("EEXIST", function()
		p:mmap { addr = a + from * PAGE, len = 2 * PAGE, flags = careful }
	end)
end
expect_errno("EEXIST", function()
	p:mmap { addr = a + 4 * PAGE, len = PAGE, flags = careful .. "|fixed" }
end)
expect(p:mmap { addr = a + 8 * PAGE, len = PAGE, prot = "r", flags = careful } == a + 8 * PAGE)
expect(p:mmap { addr = a - PAGE, len = PAGE, prot = "r", flags = careful } == a - PAGE)
expect_eq(p:layout(a - 2 * PAGE, 12), ".r|wwwwwwww|r.")

-- A replacement that is refused on its way (here the machine cannot promise so much memory) takes
-- nothing away. But the mapping in which it starts was already cut there, and stays so.
expect_errno("ENOMEM", function()
	p:mmap { addr = a + 6 * PAGE, len = 0x600000000000, flags = fixed }
end)
expect(p:read(a + 6 * PAGE, 6) == "page 6")
expect_eq(p:layout(a - 2 * PAGE, 12), ".r|wwwwww|ww|r.")
