-- Making a mapping smaller is unmapping its end. It happens in place, and the range may run over
-- several mappings and holes, as that of munmap may; only its start must be mapped.
--
--          0    4    8
--     a    AAAA|BB·CC
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 4 * PAGE, flags = fixed }
p:mmap { addr = a + 4 * PAGE, len = 2 * PAGE, prot = "r", flags = fixed }
p:mmap { addr = a + 7 * PAGE, len = 2 * PAGE, flags = fixed }
p:write(a, ("a"):rep(4 * PAGE))
p:write(a + 7 * PAGE, "c")

expect(p:mremap(a + PAGE, 2 * PAGE, PAGE) == a + PAGE)
expect_eq(p:layout(a, 9), "ww.w|rr.ww")
expect(p:smaps(a).rss == 2 * PAGE)

expect(p:mremap(a + 3 * PAGE, 5 * PAGE, 2 * PAGE, "maymove") == a + 3 * PAGE)
expect_eq(p:layout(a, 9), "ww.w|r...w")
expect(p:read(a + 3 * PAGE, 1) == "a" and p:load(a + 8 * PAGE) == 0)
expect_signal("SIGSEGV", function() p:load(a + 7 * PAGE) end)

-- Sizes are rounded up before they are compared.
expect(p:mremap(a, 2 * PAGE, PAGE + 1) == a)
expect_eq(p:layout(a, 2), "ww")

-- Shrinking to another place: what is left of the range moves.
local b = p:mremap(a, 2 * PAGE, PAGE, "maymove|fixed", 0x20000000)
expect(b == 0x20000000)
expect_eq(p:layout(a, 9), "...w|r...w")
expect(p:read(b, PAGE) == ("a"):rep(PAGE))
expect(p:status().vmrss == 2 * PAGE)

-- That must be a single mapping, or nothing happens; of what is cut off nothing is asked.
p:mmap { addr = a, len = 3 * PAGE, prot = "none", flags = fixed }
for size = 4, 8 do
	expect_errno("EFAULT", function()
		p:mremap(a, 9 * PAGE, size * PAGE, "maymove|fixed", 0x30000000)
	end)
end
expect_eq(p:layout(a, 9), "---|w|r...w")
p:mremap(a, 9 * PAGE, 3 * PAGE, "maymove|fixed", 0x30000000)
expect(p:maps(a) == nil and p:maps(a + 8 * PAGE) == nil)
expect_eq(p:layout(0x30000000, 4), "---.")
expect_errno("EFAULT", function() p:mremap(a, 2 * PAGE, PAGE) end)
