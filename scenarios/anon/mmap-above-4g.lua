-- MAP_ABOVE4G keeps the search out of the low 4 GiB; a hint or MAP_32BIT is stronger. It shows
-- only when nothing is left above: everything is taken here but 64 MiB low down and a hole that
-- straddles the border.
--
--      0x60000000                      4G
--     ----······----------------------··|··-------------
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local high, low = "private|anonymous|above4g", "private|anonymous"
p:mmap { addr = 0x800000, len = 0x7ffffffff000 - 0x800000, prot = "none",
	flags = low .. "|fixed|noreserve" }
p:munmap(0x60000000, 64 * M)

expect_errno("ENOMEM", function() p:mmap { len = 16 * PAGE, flags = high } end)
expect(p:mmap { len = 16 * PAGE, flags = low } == 0x60000000 + 64 * M - 16 * PAGE)

p:munmap(4 * G - 16 * PAGE, 32 * PAGE)
expect_errno("ENOMEM", function() p:mmap { len = 17 * PAGE, flags = high } end)
expect(p:mmap { len = 16 * PAGE, flags = high } == 4 * G)
expect(p:mmap { len = 16 * PAGE, flags = low } == 4 * G - 16 * PAGE)

expect(p:mmap { addr = 0x61000000, len = 16 * PAGE, flags = high } == 0x61000000)
expect(p:mmap { len = 16 * PAGE, flags = high .. "|32bit" } == 0x60000000)
