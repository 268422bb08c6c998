-- munmap takes away the pages of a range and nothing else: the mappings at its ends are cut, those
-- inside go, holes do not matter.
--
--          0    4    8   12
--     a    WWWWWWWWRRRR····      8 pages writable, 4 read-only
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local a = 0x10000000
p:mmap { addr = a, len = 8 * PAGE, flags = "private|anonymous|fixed" }
p:mmap { addr = a + 8 * PAGE, len = 4 * PAGE, prot = "r", flags = "private|anonymous|fixed" }
for page = 0, 7 do
	p:store(a + page * PAGE, page + 1)
end
p:read(a + 8 * PAGE, 4 * PAGE)
expect(p:smaps_rollup().rss == 8 * PAGE)
expect(p:status().vmsize == 12 * PAGE)

-- A page out of the middle, by any length up to a page.
p:munmap(a + 2 * PAGE, 1)
expect_eq(p:layout(a, 12), "ww.wwwww|rrrr")
expect(p:status().vmrss == 7 * PAGE and p:status().vmsize == 11 * PAGE)
local fault = expect_signal("SIGSEGV", function() p:load(a + 2 * PAGE) end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == a + 2 * PAGE)
expect(p:load(a + PAGE) == 2 and p:load(a + 3 * PAGE) == 4)

-- The start of one and the end of one, then a range with a hole that cuts two mappings.
p:munmap(a - PAGE, 2 * PAGE)
p:munmap(a + 11 * PAGE, 2 * PAGE)
expect_eq(p:layout(a, 12), ".w.wwwww|rrr.")
p:munmap(a + 4 * PAGE, 5 * PAGE)
expect_eq(p:layout(a, 12), ".w.w.....rr.")
p:munmap(a + PAGE, 9 * PAGE)
expect_eq(p:layout(a, 12), "..........r.")
expect(p:status().vmsize == PAGE and p:status().vmrss == 0)

-- Where nothing is, there is nothing to do; that is no error.
p:munmap(a, 8 * PAGE)
p:munmap(a, 0x7ffffffff000 - a)
expect(p:maps() == "")

-- A fresh mapping in the same place starts with zeros.
p:mmap { addr = a, len = 8 * PAGE, flags = "private|anonymous|fixed" }
expect(p:load(a + 3 * PAGE) == 0)

expect_errno("EINVAL", function() p:munmap(a, 0) end)
expect_errno("EINVAL", function() p:munmap(a + 1, PAGE) end)
expect_errno("EINVAL", function() p:munmap(a, -1) end)
expect_errno("EINVAL", function() p:munmap(a, 0x7ffffffff001 - a) end)
expect_errno("EINVAL", function() p:munmap(0x7ffffffff000, PAGE) end)
expect_errno("EINVAL", function() p:munmap(-PAGE, PAGE) end)
expect_eq(p:layout(a, 12), "wwwwwwww....")
