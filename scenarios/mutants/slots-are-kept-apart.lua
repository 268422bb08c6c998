-- Pages that are in swap at the same time have a slot each, for as long as anybody may want it.
--
--          0    4    8
--     p    A    B          A goes first
--     q    A               after fork
-- Covers: P3
local p = process()
p:swapon(64)
local a = p:mmap { len = 8 * K }
p:write(a, "first")
p:write(a + 4 * K, "second")
p:madvise(a, 4 * K, "pageout")
local q = p:fork()
p:madvise(a + 4 * K, 4 * K, "pageout")
expect_eq(p:read(a, 5), "first")
expect_eq(q:read(a, 5), "first")
expect_eq(q:read(a + 4 * K, 6), "second")
