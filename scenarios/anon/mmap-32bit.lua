-- MAP_32BIT asks for an address that fits into 31 bits. Linux looks for it upwards, from 1 GiB on,
-- in the second GiB of the address space only.
--
--       0x40000000                        0x80000000
--     p  AAB···
-- Covers: P1
local p = process()
local low = "private|anonymous|32bit"
local a = p:mmap { len = 2 * PAGE, flags = low }
expect(a == 0x40000000)
expect(p:mmap { len = PAGE, prot = "r", flags = low } == a + 2 * PAGE)
p:munmap(a, PAGE)
expect(p:mmap { len = PAGE, prot = "r", flags = low } == a)
expect_eq(p:layout(a, 4), "r|w|r.")

-- Huge sizes are aligned here too.
expect(p:mmap { len = 2 * M, flags = low, prot = "none" } == a + 2 * M)

-- A hint is granted anywhere below 2 GiB, and not above.
expect(p:mmap { addr = 0x20000000, len = PAGE, flags = low } == 0x20000000)
expect(p:mmap { addr = 0x90000000, len = PAGE, prot = "r", flags = low } == a + 3 * PAGE)
-- MAP_FIXED is stronger.
expect(p:mmap { addr = 0x90000000, len = PAGE, flags = low .. "|fixed" } == 0x90000000)

-- When the GiB is full there is nothing else.
expect_errno("ENOMEM", function()
	p:mmap { len = G, prot = "none", flags = low .. "|noreserve" }
end)
p:mmap { len = G - 4 * M, prot = "none", flags = low .. "|noreserve" }
expect_errno("ENOMEM", function() p:mmap { len = 4 * M, flags = low } end)
expect_errno("ENOMEM", function() p:mmap { len = 2 * G + PAGE, prot = "none", flags = low } end)
