-- Which error mremap gives for which argument, and which comes first.
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local a = 0x10000000
p:mmap { addr = a, len = 4 * PAGE, flags = "private|anonymous|fixed" }
p:mmap { addr = a + 4 * PAGE, len = PAGE, prot = "r", flags = "private|anonymous|fixed" }
p:store(a, 1)

for _, case in ipairs {
	{ "EINVAL", a, PAGE, PAGE, 8 },                            -- unknown flag
	{ "EINVAL", a, PAGE, 2 * PAGE, "fixed", a + 8 * PAGE },    -- these two need maymove
	{ "EINVAL", a, PAGE, PAGE, "dontunmap" },
	{ "EINVAL", a + 1, PAGE, 2 * PAGE, "maymove" },            -- address not at a page
	{ "EINVAL", a, PAGE, 0 },                                  -- no size
	{ "EINVAL", a, PAGE, -1 },                                 -- rounds up to none
	{ "EINVAL", a, 0, PAGE, "maymove" },                       -- only shared memory is doubled
	{ "EFAULT", a - PAGE, PAGE, 2 * PAGE, "maymove" },         -- nothing there
	{ "EFAULT", a - PAGE, PAGE, PAGE },
	{ "EFAULT", a - PAGE, 0, PAGE, "maymove" },
	{ "EFAULT", a + 3 * PAGE, 2 * PAGE, 3 * PAGE, "maymove" }, -- reaches into the next one
	{ "EFAULT", a, 6 * PAGE, 7 * PAGE, "maymove" },
	{ "EINVAL", a, -PAGE, PAGE },                              -- a range that wraps around
	{ "ENOMEM", a, 4 * PAGE, 5 * PAGE },                       -- no room to grow
	{ "ENOMEM", a, 4 * PAGE, 0x7fff00000000, "maymove" },      -- more than there is
	{ "EINVAL", a, 4 * PAGE, 0x7fffffffffff, "maymove|fixed", 0x20000000 },
	{ "EINVAL", a, PAGE, PAGE, "maymove|fixed", 0x20000001 },
	{ "EINVAL", a, PAGE, PAGE, "maymove|fixed", -PAGE },
	{ "EINVAL", a + 1, -1, 0, 8 },
	{ "EINVAL", a - PAGE, PAGE, PAGE, "maymove|fixed", a - PAGE },
} do
	expect_errno(table.unpack(case, 1, 1), p.mremap, p, table.unpack(case, 2))
end
expect_eq(p:layout(a - PAGE, 7), ".wwww|r.")
expect(p:load(a) == 1)
