-- Populating maps the pages of a file at once; writing what may not be written, or beyond the end,
-- is an error of the call.
-- Covers: P1
local p = process()
local fd = p:memfd_create("ahead")
p:ftruncate(fd, 8 * K)
local a = p:mmap { len = 8 * K, flags = "shared|populate", fd = fd }
expect(p:pagemap(a).present and p:pagemap(a + 4 * K).present)
local b = p:mmap { len = 8 * K, flags = "private|populate", fd = fd }
expect(p:pagemap(b).present and not p:pagemap(b).file)
local c = p:mmap { len = 12 * K, prot = "r", flags = "shared", fd = fd }
p:madvise(c, 8 * K, "populate_read")
expect(p:pagemap(c + 4 * K).present)
expect_errno("EINVAL", function() p:madvise(c, 8 * K, "populate_write") end)
expect_errno("EFAULT", function() p:madvise(c, 12 * K, "populate_read") end)
local d = p:mmap { len = 12 * K, flags = "shared", fd = fd }
expect_errno("EFAULT", function() p:madvise(d, 12 * K, "populate_write") end)
expect(p:pagemap(d + 4 * K).present)
-- To mlock it is as if nothing were mapped there.
local e = p:mmap { len = 12 * K, flags = "shared", fd = fd }
p:mlock(e, 8 * K)
expect(p:smaps(e).locked > 0)
expect_errno("ENOMEM", function() p:mlock(e + 8 * K, 4 * K) end)
