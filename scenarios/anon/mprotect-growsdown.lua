-- PROT_GROWSDOWN extends the range down to the start of a mapping that may grow down; elsewhere it
-- is refused. Its counterpart PROT_GROWSUP finds no such mapping on this processor.
-- Covers: P1
local p = process()
local a = 0x10000000
--          0    4    8
--     a    SSSSSSSS····RR        S may grow down
p:mmap { addr = a, len = 8 * PAGE, flags = "private|anonymous|fixed|growsdown" }
p:mmap { addr = a + 12 * PAGE, len = 2 * PAGE, prot = "r", flags = "private|anonymous|fixed" }

p:mprotect(a + 4 * PAGE, PAGE, "r|growsdown")
expect_eq(p:layout(a, 8), "rrrrr|www")
-- The parts are mappings of their own by now: only the lower one is extended.
p:mprotect(a + 6 * PAGE, PAGE, "none|growsdown")
expect_eq(p:layout(a, 8), "rrrrr|--|w")
p:mprotect(a + 2 * PAGE, PAGE, "rwx|growsdown")
expect_eq(p:layout(a, 8), "XXX|rr|--|w")

expect_errno("EINVAL", function() p:mprotect(a + 12 * PAGE, PAGE, "rw|growsdown") end)
for _, page in ipairs { 0, 12 } do
	expect_errno("EINVAL", function() p:mprotect(a + page * PAGE, PAGE, "rw|growsup") end)
end
-- A range that starts in a hole finds the mapping that it meets first.
p:munmap(a + 3 * PAGE, 2 * PAGE)
p:mprotect(a + 4 * PAGE, 3 * PAGE, "r|growsdown")
expect_eq(p:layout(a, 8), "XXX..rr|w")
expect_errno("ENOMEM", function() p:mprotect(a + 8 * PAGE, PAGE, "r|growsdown") end)
expect_errno("EINVAL", function() p:mprotect(a + 9 * PAGE, 4 * PAGE, "r|growsdown") end)
