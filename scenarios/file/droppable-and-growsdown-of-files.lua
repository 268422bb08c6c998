-- What is for anonymous memory alone.
-- Covers: P1
local p = process()
local fd = p:memfd_create("no")
p:ftruncate(fd, 16 * K)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = "droppable", fd = fd } end)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = "shared|anonymous|growsdown" } end)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = "private|growsdown", fd = fd } end)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = "shared|anonymous|droppable" } end)
local a = p:mmap { len = 4 * K, flags = "shared|anonymous|locked" }
expect(p:pagemap(a).present and p:status().vmlck == 4 * K)
local b = p:mmap { len = 4 * K, flags = "shared|anonymous|populate" }
expect(p:pagemap(b).present and p:pagemap(b).file)
