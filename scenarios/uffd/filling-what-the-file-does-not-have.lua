-- Beyond the end of the file nothing is filled, and no fault is told there. The end may move while
-- a range is filled: what was filled before it counts.
-- Covers: B9, B17, B19
local p = process()
local src = p:mmap { len = 4 * PAGE }
p:write(src, ("s"):rep(4 * PAGE))
for _, flags in ipairs { "shared", "private" } do
	local fd = p:memfd_create("f")
	p:ftruncate(fd, 2 * PAGE)
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u)
	local a = p:mmap { len = 4 * PAGE, flags = flags, fd = fd }
	p:uffd_register(u, a, 4 * PAGE, "missing|wp")
	expect_errno("EFAULT", function() p:uffd_copy(u, a + 2 * PAGE, src, PAGE) end)
	if flags == "shared" then
		expect_errno("EFAULT", function() p:uffd_zeropage(u, a + 2 * PAGE, PAGE) end)
	end
	expect_signal("SIGBUS", p.load, p, a + 3 * PAGE)
	local failure = expect_errno("EAGAIN", function() p:uffd_copy(u, a, src, 4 * PAGE) end)
	expect_eq(failure.words[5], 2 * PAGE)
	expect_eq(p:read(a + PAGE, 1), "s")
	-- A file that is cut takes what was copied along.
	p:ftruncate(fd, PAGE)
	expect_signal("SIGBUS", p.load, p, a + PAGE)
	p:ftruncate(fd, 4 * PAGE)
	p:uffd_copy(u, a + PAGE, src, 3 * PAGE)
	expect_eq(p:read(a + 3 * PAGE, 1), "s")
	-- Copies of a private mapping are not the file's.
	expect_eq(p:pread(fd, 1, 3 * PAGE), flags == "shared" and "s" or "\0")
	p:close(u)
	p:munmap(a, 4 * PAGE)
	p:close(fd)
end
