-- Shared anonymous memory is a file without a name: children share it, it grows into nothing, and
-- it is accounted to the file, not to the mapping.
-- Covers: P1, G1
local p = process()
local a = p:mmap { len = 16 * K, flags = "shared|anonymous" }
expect_eq(p:maps(a).name, "/dev/zero (deleted)")
expect_eq(p:smaps(a).vmflags, "rd wr sh mr mw me ms")
p:write(a, "parent")
local c = p:fork()
expect_eq(c:read(a, 6), "parent")
c:write(a + 4 * K, "child")
expect_eq(p:read(a + 4 * K, 5), "child")
expect(not c:pagemap(a + 8 * K).present)
expect(p:smaps(a).rss == 8 * K and p:smaps(a).pss == 4 * K)
-- Read or written, a page of it is a page of the file: there is no zero page.
expect(p:load(a + 8 * K) == 0)
expect(p:pagemap(a + 8 * K).file)
c:exit()
expect_eq(p:read(a + 4 * K, 5), "child")
-- DONTNEED only lets go of the mapping.
p:madvise(a, 16 * K, "dontneed")
expect(not p:pagemap(a).present)
expect_eq(p:read(a, 6), "parent")
expect_errno("EINVAL", function() p:madvise(a, 16 * K, "free") end)
expect_errno("EINVAL", function() p:madvise(a, 16 * K, "wipeonfork") end)
p:madvise(a, 4 * K, "remove")
expect(p:load(a) == 0)
-- Grown in place or by moving, the memory beyond the file is not there.
local d = p:mremap(a, 16 * K, 24 * K, "maymove")
expect_eq(p:read(d + 4 * K, 5), "child")
expect_signal("SIGBUS", p.load, p, d + 16 * K)
-- An old size of zero makes a second mapping of the same pages.
local e = p:mremap(d, 0, 8 * K, "maymove")
p:write(e, "both")
expect_eq(p:read(d, 4), "both")
