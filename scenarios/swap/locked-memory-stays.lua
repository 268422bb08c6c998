-- Locked pages are not paged out, and locking brings back what is out.
-- Covers: P1, P3
local p = process()
p:swapon(256)
local a = p:mmap { len = 16 * K }
p:write(a, ("x"):rep(16 * K))
p:mlock(a, 4 * K)
expect_errno("EINVAL", function() p:madvise(a, 16 * K, "pageout") end)
p:madvise(a + 4 * K, 12 * K, "pageout")
expect(p:smaps(a + 4 * K).swap == 12 * K)
p:mlock(a + 4 * K, 8 * K)
expect(p:smaps(a + 4 * K).swap == 0)
expect(p:pagemap(a + 4 * K).present)
expect(p:pagemap(a + 12 * K).swapped)
-- Locked on fault: what is out stays out until it is touched.
p:mlock2(a + 12 * K, 4 * K, "onfault")
expect(p:pagemap(a + 12 * K).swapped)
expect_eq(p:read(a + 12 * K, 1), "x")
expect(p:status().vmlck == 16 * K)
-- Another process's mapping of a page that is locked here keeps it in, too.
local c = p:fork()
c:madvise(a, 16 * K, "pageout")
expect(c:smaps(a).swap == 0)
