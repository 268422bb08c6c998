-- Pages far apart in a file and in the address space.
-- Covers: P1
-- needs: 47-bit addresses
local p = process()
local fd = p:memfd_create("sparse")
local far = 5 * 1024 * G
p:ftruncate(fd, far + 8 * K)
p:pwrite(fd, "far", far)
local _, blocks = p:fsize(fd)
expect_eq(blocks, 8)
local a = p:mmap { len = 4 * M, flags = "shared|noreserve", fd = fd, offset = far - 2 * M }
expect_eq(p:read(a + 2 * M, 3), "far")
p:write(a, "near")
expect_eq(p:pread(fd, 4, far - 2 * M), "near")
p:fallocate(fd, "punch_hole|keep_size", 4096 * G, 2048 * G)
expect(p:load(a) == 0 and p:load(a + 2 * M) == 0)
p:ftruncate(fd, far - 2 * M)
expect_signal("SIGBUS", p.load, p, a)
