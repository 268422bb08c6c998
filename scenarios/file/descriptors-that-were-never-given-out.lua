-- A process of a scenario has no descriptors but those that it has opened, from 3 up: not the
-- first three of a program, nor any high one.
-- Covers: P1
local p = process()
for _, fd in ipairs { 0, 1, 2, 3, 60, 100, 101, 200, -1 } do
	local function refused(call, ...)
		local _, errno = p:try(call, ...)
		expect_eq(errno, "EBADF", call .. " " .. fd)
	end
	refused("ioctl", fd, 0xc018aa3f, ("\0"):rep(24))
	refused("read_fd", fd)
	refused("pread", fd, 1)
	refused("pwrite", fd, "x")
	refused("ftruncate", fd, 0)
	refused("fallocate", fd, "", 0, PAGE)
	refused("fsync", fd)
	refused("fsize", fd)
	refused("get_seals", fd)
	refused("close", fd)
	refused("mmap", { len = PAGE, flags = "shared", fd = fd })
	expect_eq(p:poll(fd), fd == -1 and "" or "nval")
end
expect_eq(p:memfd_create("first"), 3)
