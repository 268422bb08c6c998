-- What a mapping of a file is refused, in the order in which the kernel looks.
-- Covers: P1, B19
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, 8 * K)
expect_errno("EBADF", function() p:mmap { len = 4 * K, flags = "shared", fd = 50 } end)
expect_errno("EBADF", function() p:mmap { len = 4 * K, flags = "private", fd = -1 } end)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = "shared", fd = fd, offset = 1 } end)
expect_errno("EINVAL", function() p:mmap { len = 0, flags = "shared", fd = fd } end)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = 0, fd = fd } end)
expect_errno("EOVERFLOW", function()
	p:mmap { len = 8 * K, flags = "shared", fd = fd, offset = 0x7fffffffffffe000 }
end)
expect_errno("EINVAL", function() p:mmap { len = 4 * K, flags = "shared|growsdown", fd = fd } end)
expect_errno("EOPNOTSUPP", function()
	p:mmap { len = 4 * K, flags = "shared_validate|sync", fd = fd }
end)
-- Beyond the end of the file one may map, but not touch.
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
expect_signal("SIGBUS", p.load, p, a + 8 * K)
local b = p:mmap { len = 4 * K, flags = "shared_validate", fd = fd, offset = 1 * M }
expect_signal("SIGBUS", p.load, p, b)
p:close(fd)
expect_errno("EBADF", function() p:close(fd) end)
expect_errno("EBADF", function() p:mmap { len = 4 * K, flags = "shared", fd = fd } end)
-- A mapping keeps the file.
p:write(a, "kept")
expect_eq(p:read(a, 4), "kept")
