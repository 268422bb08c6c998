-- Locked pages of a file: counted, kept, shared with mappings that are not locked.
-- Covers: P1
local p = process()
local fd = p:memfd_create("locked")
p:ftruncate(fd, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 16 * K, flags = "shared", fd = fd }
p:mlock(a, 8 * K)
expect(p:smaps(a).rss == 8 * K and p:status().vmlck == 8 * K)
-- The read maps page 0 and, as it is in memory, page 1 too; what is locked is a share like pss.
p:load(b)
expect(p:smaps(b).locked == 0 and p:smaps(a).locked == 4 * K)
expect_errno("EINVAL", function() p:madvise(a, 8 * K, "dontneed") end)
p:madvise(a, 8 * K, "dontneed_locked")
expect(p:smaps(a).rss == 0)
p:munlock(a, 8 * K)
p:mlock2(b, 16 * K, "onfault")
expect(p:status().vmlck == 16 * K)
p:write(b + 12 * K, "now")
-- msync refuses to throw away what is locked.
expect_errno("EBUSY", function() p:msync(b, 16 * K, "invalidate") end)
p:msync(b, 16 * K, "sync")
p:ftruncate(fd, 0)
expect_signal("SIGBUS", p.load, p, b)
expect(p:status().vmlck == 16 * K)
p:munlockall()
