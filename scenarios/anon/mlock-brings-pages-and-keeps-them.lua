-- mlock faults a range in, as a write would where the mapping may be written, and marks it.
--
-- The mapping is split where the lock begins and ends; unlocking lets it merge again. Whole
-- pages are locked, whatever the address and length say.
--
--     0    4    8   12   16
--     ·    A    Z    ·          A written   Z zero page
--     ·   ·A    A    A          after mlock of 5 K to 13 K: three pages, all their own
-- Covers: P1
local p = process()
local a = p:mmap { len = 16 * K }
p:write(a + 4 * K, "kept")
expect(p:load(a + 8 * K) == 0)

p:mlock(a + 5 * K, 8 * K)
expect(p:layout(a, 4) == "w|www")
expect(p:mincore(a, 16 * K) == "0111")
local vma = p:smaps(a + 4 * K)
expect(vma.size == 12 * K and vma.locked == 12 * K and vma.rss == 12 * K)
expect(vma.vmflags:find("lo"))
expect(p:smaps(a).locked == 0 and not p:smaps(a).vmflags:find("lo"))
expect(p:status().vmlck == 12 * K)
expect(p:read(a + 4 * K, 4) == "kept")

-- Locks do not nest: once unlocked is unlocked.
p:mlock(a + 4 * K, 4 * K)
expect(p:status().vmlck == 12 * K)
p:munlock(a + 8 * K, 4 * K)
expect(p:layout(a, 4) == "w|w|w|w")
expect(p:status().vmlck == 8 * K)
p:munlock(a, 16 * K)
expect(p:layout(a, 4) == "wwww")
expect(p:status().vmlck == 0 and p:smaps(a).locked == 0)
-- The pages stay where they are.
expect(p:smaps(a).rss == 12 * K)

-- Memory that is only to be read gets the zero page; unmapping unlocks.
local r = p:mmap { len = 8 * K, prot = "r" }
p:mlock(r, 8 * K)
expect(p:mincore(r, 8 * K) == "11" and p:smaps(r).rss == 0)
expect(p:smaps(r).vmflags:find("lo") and p:smaps(r).locked == 0)
expect(p:status().vmlck == 8 * K)
p:munmap(r, 4 * K)
expect(p:status().vmlck == 4 * K)
p:mprotect(r + 4 * K, 4 * K, "rw")
p:write(r + 4 * K, "x")
expect(p:smaps(r + 4 * K).locked == 4 * K)

-- A lock is not inherited.
p:mlock(a, 16 * K)
local c = p:fork()
expect(c:status().vmlck == 0 and not c:smaps(a).vmflags:find("lo"))
expect(p:status().vmlck == 20 * K)
expect(c:read(a + 4 * K, 4) == "kept")
-- A shared page counts as locked in the process that locked it, in its share.
expect(p:smaps(a).locked == 8 * K)
c:write(a + 4 * K, "child")
c:exit()
expect(p:smaps(a).locked == 16 * K)

-- mlock of shared memory takes it out of the sharing, before anybody has to wait for that.
c = p:fork()
c:mlock(a, 16 * K)
expect(c:smaps(a).private_dirty == 16 * K)
