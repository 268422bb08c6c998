-- MREMAP_FIXED names the new place and unmaps whatever is there, unless the move is refused.
--
--          0    4    8   12
--     a    AAA·····BBBBB·
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 3 * PAGE, flags = fixed }
p:mmap { addr = a + 8 * PAGE, len = 5 * PAGE, prot = "r", flags = fixed }
p:write(a, "one")
p:write(a + 2 * PAGE, "three")
p:load(a + 9 * PAGE)

expect(p:mremap(a, 3 * PAGE, 3 * PAGE, "maymove|fixed", a + 9 * PAGE) == a + 9 * PAGE)
expect_eq(p:layout(a, 14), "........r|www|r.")
expect(p:read(a + 9 * PAGE, 3) == "one" and p:read(a + 11 * PAGE, 5) == "three")

-- Larger and smaller on the way.
p:mremap(a + 9 * PAGE, 3 * PAGE, 5 * PAGE, "maymove|fixed", a)
expect_eq(p:layout(a, 14), "wwwww...r...r.")
expect(p:read(a + 2 * PAGE, 5) == "three" and p:load(a + 4 * PAGE) == 0)
p:mremap(a, 5 * PAGE, PAGE, "maymove|fixed", a + 5 * PAGE)
expect_eq(p:layout(a, 14), ".....w..r...r.")
expect(p:read(a + 5 * PAGE, 3) == "one")

-- Overlap, a place not at a page or past the end, without MAYMOVE, more than the mapping has.
p:mremap(a + 5 * PAGE, PAGE, 2 * PAGE)
local function refused(errno, ...)
	local layout = p:layout(a, 14)
	expect_errno(errno, p.mremap, p, ...)
	expect_eq(p:layout(a, 14), layout)
end
for _, to in ipairs { 4, 5, 6 } do
	refused("EINVAL", a + 5 * PAGE, 2 * PAGE, 2 * PAGE, "maymove|fixed", a + to * PAGE)
end
refused("EINVAL", a + 5 * PAGE, 2 * PAGE, 4 * PAGE, "maymove|fixed", a + 2 * PAGE)
refused("EINVAL", a + 5 * PAGE, PAGE, PAGE, "maymove|fixed", a + 8 * PAGE + 1)
refused("EINVAL", a + 5 * PAGE, PAGE, 2 * PAGE, "maymove|fixed", 0x7fffffffe000)
refused("EINVAL", a + 5 * PAGE, PAGE, PAGE, "fixed", a + 8 * PAGE)
refused("EFAULT", a + 5 * PAGE, 3 * PAGE, 4 * PAGE, "maymove|fixed", a + 8 * PAGE)
refused("EFAULT", a, PAGE, PAGE, "maymove|fixed", a + 8 * PAGE)
