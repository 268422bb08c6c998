-- When a mapping cannot grow where it is, MREMAP_MAYMOVE moves it: the entries of its page tables
-- go to a new range, the pages stay what and where they are, and who shares them goes on sharing.
--
--          0    4    8
--     a    AABB                 B is in the way of A
-- Covers: P1
local p = process()
local top = p:mmap { len = 2 * PAGE, prot = "r" } + 2 * PAGE
local a = p:mmap { len = 2 * PAGE }
p:write(a, "moved")
p:write(a + PAGE, "along")
local c = p:fork()
c:write(a + PAGE, "child")
expect(p:smaps(a).shared_dirty == PAGE and p:smaps(a).private_dirty == PAGE)

expect_errno("ENOMEM", function() p:mremap(a, 2 * PAGE, 3 * PAGE) end)
local b = p:mremap(a, 2 * PAGE, 3 * PAGE, "maymove")
expect(b == top - 7 * PAGE)
expect_eq(p:layout(b, 7), "www..rr")
expect(p:read(b, 5) == "moved" and p:read(b + PAGE, 5) == "along" and p:load(b + 2 * PAGE) == 0)
expect(p:smaps(b).rss == 2 * PAGE)
expect(p:smaps(b).shared_dirty == PAGE and p:smaps(b).private_dirty == PAGE)
expect_signal("SIGSEGV", function() p:load(a) end)

-- The child's is where it was, and still shared with the page that moved.
expect(c:read(a, 5) == "moved" and c:read(a + PAGE, 5) == "child")
p:write(b, "alone")
expect(c:read(a, 5) == "moved")
expect(p:pagemap(b).exclusive and c:pagemap(a).exclusive)

-- A part of a mapping moves too; the rest keeps its place.
local d = p:mremap(b + PAGE, PAGE, PAGE, "maymove|fixed", 0x10000000)
expect_eq(p:layout(b, 3), "w.w")
expect(p:read(d, 5) == "along")

-- Memory without access, or never touched, moves as well.
p:mprotect(b, PAGE, "none")
local e = p:mremap(b, PAGE, PAGE, "maymove|fixed", 0x20000000)
expect(p:smaps(e).rss == PAGE and p:maps(e).perms == "---p")
p:mprotect(e, PAGE, "r")
expect(p:read(e, 5) == "alone")
local f = p:mremap(b + 2 * PAGE, PAGE, PAGE, "maymove|fixed", 0x30000000)
expect(p:pagemap(f).present and p:smaps(f).rss == 0)
p:mremap(p:mmap { len = PAGE }, PAGE, PAGE, "maymove|fixed", f)
expect(not p:pagemap(f).present and p:load(f) == 0)
