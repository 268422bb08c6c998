-- The private copy of a page of a file goes to swap like anonymous memory, and a hole in the file
-- leaves it there; cutting the file takes it.
-- Covers: P3, Z1, Z2
local p = process()
p:swapon(256)
local fd = p:memfd_create("under")
p:ftruncate(fd, 12 * K)
p:pwrite(fd, ("f"):rep(12 * K))
local a = p:mmap { len = 12 * K, flags = "private", fd = fd }
for i = 0, 2 do
	p:write(a + i * 4 * K, "copy " .. i)
end
p:madvise(a, 12 * K, "pageout")
expect(p:smaps(a).swap == 12 * K)
p:fallocate(fd, "punch_hole|keep_size", 0, 8 * K)
expect(p:smaps(a).swap == 12 * K)
expect_eq(p:read(a, 7), "copy 0f")
p:ftruncate(fd, 4 * K)
expect(p:smaps(a).swap == 0)
expect_signal("SIGBUS", p.load, p, a + 4 * K)
expect_eq(p:read(a, 6), "copy 0")
