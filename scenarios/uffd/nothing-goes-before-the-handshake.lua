-- Before UFFDIO_API every ioctl is refused, and so is reading; afterwards only what nobody knows
-- is. Other descriptors know none of them.
-- Covers: B17, B19
local p = process()
local u, fd = p:userfaultfd("cloexec|nonblock"), p:memfd_create("file")
local a = p:mmap { len = PAGE }
local calls = {
	register = function(d) p:uffd_register(d, a, PAGE, "missing") end,
	unregister = function(d) p:uffd_unregister(d, a, PAGE) end,
	wake = function(d) p:uffd_wake(d, a, PAGE) end,
	copy = function(d) p:uffd_copy(d, a, a, PAGE) end,
	zeropage = function(d) p:uffd_zeropage(d, a, PAGE) end,
	move = function(d) p:uffd_move(d, a, a, PAGE) end,
	writeprotect = function(d) p:uffd_writeprotect(d, a, PAGE, "wp") end,
	continue = function(d) p:uffd_continue(d, a, PAGE) end,
	poison = function(d) p:uffd_poison(d, a, PAGE) end,
}
for _, call in pairs(calls) do
	expect_errno("EINVAL", function() call(u) end)
	expect_errno("ENOTTY", function() call(fd) end)
	expect_errno("EBADF", function() call(63) end)
end
expect_errno("ENOTTY", function() p:uffd_api(fd) end)
-- A wrong version or feature is answered with zeros and leaves the descriptor as it was.
local ok, failure = pcall(function() p:uffd_api(u, 1 << 17) end)
expect(not ok and failure.errno == "EINVAL")
expect(failure.words[1] == 0 and failure.words[2] == 0 and failure.words[3] == 0)
p:uffd_api(u)
for _, command in ipairs { 0xc018aa09, 0xc018aa40, 0x8010aa00, 0xaa3f } do
	expect_errno("EINVAL", function() p:ioctl(u, command, ("\0"):rep(32)) end)
end
-- A command of another driver, too.
expect_errno("EINVAL", function() p:ioctl(u, 0x5401, ("\0"):rep(32)) end)
-- What may be done with a file may not with this.
expect_errno("ESPIPE", function() p:pread(u, 32, 0) end)
expect_errno("EINVAL", function() p:ftruncate(u, PAGE) end)
expect_errno("EACCES", function() p:mmap { len = PAGE, flags = "shared", fd = u } end)
expect_errno("ENODEV", function() p:mmap { len = PAGE, prot = "r", flags = "shared", fd = u } end)
