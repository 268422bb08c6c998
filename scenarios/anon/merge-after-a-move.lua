-- A page remembers at which offset of its anon_vma it is. A mapping that moves with pages keeps the
-- offsets of its old place, so that it joins its new neighbours only if they count on from there;
-- one without pages takes those of its new place.
--
--          0    4    8   12
--     a    AAAA····BB··
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
local function map(page, pages)
	p:mmap { addr = a + page * PAGE, len = pages * PAGE, flags = fixed }
end
local function move(from, pages, to)
	p:mremap(a + from * PAGE, pages * PAGE, pages * PAGE, "maymove|fixed", a + to * PAGE)
end

-- Never written: joins wherever it goes.
map(0, 4)
map(8, 2)
move(2, 2, 10)
expect_eq(p:layout(a, 12), "ww......wwww")

-- Written: stays apart from a neighbour, ...
p:store(a, 1)
move(0, 2, 6)
expect_eq(p:layout(a, 12), "......ww|wwww")
-- ... and fits again where it came from.
map(2, 4)
expect_eq(p:layout(a, 12), "..wwww|ww|wwww")
move(6, 2, 0)
expect_eq(p:layout(a, 12), "wwwwww..wwww")
expect(p:load(a) == 1)
p:munmap(a, 12 * PAGE)

-- A part that moves away and back joins what it was cut from.
map(0, 6)
p:store(a + 2 * PAGE, 2)
move(2, 2, 8)
expect_eq(p:layout(a, 12), "ww..ww..ww..")
move(8, 2, 2)
expect_eq(p:layout(a, 12), "wwwwww......")
expect(p:load(a + 2 * PAGE) == 2)
p:munmap(a, 12 * PAGE)

-- Two parts that move by the same distance join in their new place, each moved on its own.
map(0, 4)
p:store(a, 3)
p:store(a + 3 * PAGE, 4)
move(0, 2, 8)
move(2, 2, 10)
expect_eq(p:layout(a, 12), "........wwww")
-- Swapped, they do not.
move(8, 2, 0)
move(10, 2, 8)
move(0, 2, 10)
expect_eq(p:layout(a, 12), "........ww|ww")
expect(p:load(a + 10 * PAGE) == 3 and p:load(a + 9 * PAGE) == 4)
