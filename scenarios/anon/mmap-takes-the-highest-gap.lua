-- Without a hint, mmap searches downwards from the top of the mmap area and takes the highest gap
-- that is long enough: the end of the new mapping meets the start of what is above it.
--
-- Pages below the top; a letter is a mapping, neighbours differ in protection so that they stay
-- apart:
--         -16             0
--     p    ·····DCCCCBBA·       A 1 page, B 2, C 4, D 1, from the top down
-- Covers: P1
local p = process()
local top = p:mmap { len = PAGE, prot = "r" } + PAGE
local b = p:mmap { len = 2 * PAGE }
local c = p:mmap { len = 4 * PAGE, prot = "r" }
local d = p:mmap { len = PAGE }
expect(b == top - 3 * PAGE)
expect(c == top - 7 * PAGE)
expect(d == top - 8 * PAGE)
expect_eq(p:layout(top - 9 * PAGE, 10), ".w|rrrr|ww|r.")

-- Two holes, of 2 pages above and of 4 below.
--     p    ·····D····..A
p:munmap(b, 2 * PAGE)
p:munmap(c, 4 * PAGE)
p:mmap { addr = b - PAGE, len = PAGE, prot = "none", flags = "private|anonymous|fixed" }
expect_eq(p:layout(top - 9 * PAGE, 9), ".w...-..r")

-- What fits into the upper hole goes to its upper end, what does not goes to the next one down,
-- and what fits into neither goes below everything.
expect(p:mmap { len = 3 * PAGE, prot = "r" } == top - 7 * PAGE)
expect(p:mmap { len = 1 * PAGE, prot = "rw" } == top - 2 * PAGE)
expect(p:mmap { len = 2 * PAGE, prot = "rw" } == top - 10 * PAGE)
expect(p:mmap { len = 1 * PAGE, prot = "none" } == top - 3 * PAGE)
expect_eq(p:layout(top - 11 * PAGE, 11), ".www|rrr|--|w|r")

-- A length is rounded up to whole pages.
expect(p:mmap { len = 1, prot = "r" } == top - 11 * PAGE)
expect(p:mmap { len = PAGE + 1, prot = "none" } == top - 13 * PAGE)
expect(p:maps(top - 13 * PAGE).stop == top - 11 * PAGE)
