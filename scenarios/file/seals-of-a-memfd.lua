-- Seals take rights away for good: to shrink, to grow, to write, to seal further.
-- Covers: P1
local p = process()
local plain = p:memfd_create("plain")
expect_eq(p:get_seals(plain), "seal")
expect_errno("EPERM", function() p:add_seals(plain, "grow") end)

local fd = p:memfd_create("sealed", "allow_sealing")
expect_eq(p:get_seals(fd), "")
p:ftruncate(fd, 8 * K)
p:add_seals(fd, "shrink")
expect_errno("EPERM", function() p:ftruncate(fd, 4 * K) end)
p:ftruncate(fd, 12 * K)
p:add_seals(fd, "grow")
expect_errno("EPERM", function() p:ftruncate(fd, 16 * K) end)
expect_errno("EPERM", function() p:pwrite(fd, "x", 12 * K) end)
expect_errno("EPERM", function() p:fallocate(fd, 0, 12 * K, 4 * K) end)

-- As long as it can be written through a mapping, writing cannot be sealed off.
local a = p:mmap { len = 12 * K, flags = "shared", fd = fd }
expect_errno("EBUSY", function() p:add_seals(fd, "write") end)
p:mprotect(a, 12 * K, "r")
expect_errno("EBUSY", function() p:add_seals(fd, "write") end)
p:munmap(a, 12 * K)
local b = p:mmap { len = 12 * K, flags = "private", fd = fd }
p:write(b, "copy")
p:add_seals(fd, "write")
expect_errno("EPERM", function() p:pwrite(fd, "x", 0) end)
expect_errno("EPERM", function() p:mmap { len = 4 * K, flags = "shared", fd = fd } end)
expect_errno("EPERM", function() p:fallocate(fd, "punch_hole|keep_size", 0, 4 * K) end)
local c = p:mmap { len = 4 * K, prot = "r", flags = "shared", fd = fd }
expect_errno("EACCES", function() p:mprotect(c, 4 * K, "rw") end)
expect_eq(p:smaps(c).vmflags, "rd sh mr me ms")
expect_eq(p:get_seals(fd), "shrink|grow|write")
p:add_seals(fd, "seal")
expect_errno("EPERM", function() p:add_seals(fd, "future_write") end)

-- future_write leaves the mappings that are there alone.
local other = p:memfd_create("later", "allow_sealing")
p:ftruncate(other, 4 * K)
local d = p:mmap { len = 4 * K, flags = "shared", fd = other }
p:add_seals(other, "future_write")
p:write(d, "still")
expect_errno("EPERM", function() p:mmap { len = 4 * K, flags = "shared", fd = other } end)
expect_errno("EPERM", function() p:pwrite(other, "x", 0) end)
expect_errno("EINVAL", function() p:add_seals(other, 0x1000) end)
expect_errno("EBADF", function() p:add_seals(99, "seal") end)
-- What may be executed, once that is settled, is not to be written either; only files in memory
-- have seals.
local e = p:memfd_create("tool", "allow_sealing")
p:add_seals(e, "exec")
expect_eq(p:get_seals(e), "shrink|grow|write|future_write|exec")
expect_errno("EINVAL", function() p:get_seals(p:open("regular", "rdwr|creat")) end)
