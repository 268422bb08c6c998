-- When the pages behind a mapping are free, mremap lets it grow where it is, with or without
-- MREMAP_MAYMOVE. What is there stays, what is added is empty.
--
--          0    4    8
--     a    AA····BB            A grows by two, then meets B
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 2 * PAGE, flags = fixed }
p:mmap { addr = a + 6 * PAGE, len = 2 * PAGE, prot = "r", flags = fixed }
p:write(a + PAGE, "last")

expect(p:mremap(a, 2 * PAGE, 4 * PAGE) == a)
expect_eq(p:layout(a, 9), "wwww..rr.")
expect(p:read(a + PAGE, 4) == "last" and p:load(a + 3 * PAGE) == 0)
expect(p:status().vmsize == 6 * PAGE and p:smaps(a).rss == PAGE)
expect(p:mremap(a, 4 * PAGE, 5 * PAGE, "maymove") == a)

-- Growing up to a neighbour that is alike joins it.
p:mprotect(a + 6 * PAGE, 2 * PAGE, "rw")
expect(p:mremap(a, 5 * PAGE, 5 * PAGE + 1) == a)
expect_eq(p:layout(a, 9), "wwwwwwww.")

-- Only the end of a mapping can grow: the range has to reach up to it, and no further.
expect_errno("ENOMEM", function() p:mremap(a, 4 * PAGE, 6 * PAGE) end)
expect_errno("EFAULT", function() p:mremap(a, 9 * PAGE, 10 * PAGE) end)
expect(p:mremap(a + 6 * PAGE, 2 * PAGE, 3 * PAGE) == a + 6 * PAGE)
expect_eq(p:layout(a, 10), "wwwwwwwww.")
-- Something in the way.
p:mmap { addr = a + 10 * PAGE, len = PAGE, prot = "r", flags = fixed }
expect_errno("ENOMEM", function() p:mremap(a, 9 * PAGE, 11 * PAGE) end)
expect(p:mremap(a, 9 * PAGE, 10 * PAGE) == a)
expect_eq(p:layout(a, 12), "wwwwwwwwww|r.")

-- What grows keeps what was advised and locked; locked pages come at once.
local l = 0x20000000
p:mmap { addr = l, len = PAGE, flags = fixed }
p:madvise(l, PAGE, "dontfork")
p:mlock(l, PAGE)
p:mremap(l, PAGE, 3 * PAGE)
expect(p:smaps(l).vmflags == "rd wr mr mw me lo dc ac")
expect(p:smaps(l).rss == 3 * PAGE and p:status().vmlck == 3 * PAGE)

-- The same size is nothing to do, also over several mappings.
expect(p:mremap(a, 11 * PAGE, 11 * PAGE) == a)
expect_eq(p:layout(a, 12), "wwwwwwwwww|r.")
