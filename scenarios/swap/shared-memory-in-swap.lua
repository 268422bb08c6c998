-- A page of shared memory that is in swap is the file's business: the mappings' entries are none,
-- and pagemap shows nothing. Whoever touches it gets the same data.
-- Covers: P3, G3
local p = process()
p:swapon(256)
local fd = p:memfd_create("swapped")
p:ftruncate(fd, 16 * K)
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 16 * K, "pageout")
for i = 0, 3 do
	local page = p:pagemap(a + i * 4 * K)
	expect(not page.present and not page.swapped)
end
expect(p:smaps(a).swap == 16 * K and p:smaps(a).rss == 0)
local size, blocks = p:fsize(fd)
expect(size == 16 * K and blocks == 32)
expect_eq(p:pread(fd, 6, 4 * K), "page 1")
local c = p:fork()
expect_eq(c:read(a + 8 * K, 6), "page 2")
c:write(a + 8 * K, "PAGE")
expect_eq(p:read(a + 8 * K, 6), "PAGE 2")
-- Cut off while in swap; what is punched away does not come back.
p:ftruncate(fd, 12 * K)
p:ftruncate(fd, 16 * K)
expect(p:load(a + 12 * K) == 0)
p:madvise(a, 16 * K, "pageout")
p:fallocate(fd, "punch_hole|keep_size", 0, 4 * K)
expect(p:load(a) == 0)
expect_eq(p:read(a + 4 * K, 6), "page 1")
-- A partial punch of a page in swap brings it in and zeroes a part of it.
p:madvise(a, 16 * K, "pageout")
p:fallocate(fd, "punch_hole|keep_size", 4 * K, 2)
expect_eq(p:pread(fd, 6, 4 * K), "\0\0ge 1")
