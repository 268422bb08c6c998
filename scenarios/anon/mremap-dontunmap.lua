-- MREMAP_DONTUNMAP moves the pages and leaves the mapping: the old range is empty memory again,
-- with the rights and flags that it had, but no longer locked. (The process is still charged for
-- it as if it were.)
-- Covers: P1
local p = process()
local a = 0x10000000
p:mmap { addr = a, len = 4 * PAGE, flags = "private|anonymous|fixed" }
p:write(a + PAGE, "pages")
p:madvise(a, 4 * PAGE, "dontdump")
p:mlock2(a, 4 * PAGE, "onfault")
expect(p:smaps(a).vmflags == "rd wr mr mw me lo lf ac dd")
expect(p:status().vmlck == 4 * PAGE)

local b = p:mremap(a, 4 * PAGE, 4 * PAGE, "maymove|dontunmap")
expect(b == p:maps(b).start and b ~= a)
expect(p:read(b + PAGE, 5) == "pages")
expect(p:smaps(b).rss == PAGE and p:smaps(a).rss == 0)
expect(p:smaps(b).vmflags == "rd wr mr mw me lo lf ac dd")
expect(p:smaps(a).vmflags == "rd wr mr mw me ac dd")
expect(p:load(a + PAGE) == 0)
expect(p:status().vmsize == 8 * PAGE and p:status().vmlck == 8 * PAGE)

-- The address is a hint here; with MREMAP_FIXED it is an order.
local c = p:mremap(b, 4 * PAGE, 4 * PAGE, "maymove|dontunmap", 0x20000000)
expect(c == 0x20000000)
local d = p:mremap(c, 4 * PAGE, 4 * PAGE, "maymove|dontunmap|fixed", 0x30000000)
expect(d == 0x30000000 and p:read(d + PAGE, 5) == "pages")

-- A part of the mapping: its pages go, the mapping stays whole.
p:munlock(d, 4 * PAGE)
p:write(d, "first")
p:mremap(d, PAGE, PAGE, "maymove|dontunmap|fixed", d + 8 * PAGE)
expect_eq(p:layout(d, 10), "wwww....w.")
expect(p:load(d) == 0 and p:read(d + 8 * PAGE, 5) == "first")

-- The size cannot change, and the pages have to move.
expect_errno("EINVAL", function() p:mremap(d, 4 * PAGE, 5 * PAGE, "maymove|dontunmap") end)
expect_errno("EINVAL", function() p:mremap(d, 4 * PAGE, 3 * PAGE, "maymove|dontunmap") end)
expect_errno("EINVAL", function() p:mremap(d, 4 * PAGE, 4 * PAGE, "dontunmap") end)
