-- What a process wrote to shared memory is not lost when it unmaps it, though nothing but the
-- entry knew that the page had been written: it was brought in by a read, which maps it writable.
-- Covers: P3, Z1
local p = process()
p:swapon(64)
local fd = p:memfd_create("x")
p:ftruncate(fd, 4 * K)
local a = p:mmap { len = 4 * K, flags = "shared", fd = fd }
expect(p:load(a) == 0)
p:store(a, 5)
p:munmap(a, 4 * K)
a = p:mmap { len = 4 * K, flags = "shared", fd = fd }
expect(p:load(a) == 5)
p:madvise(a, 4 * K, "pageout")
expect(p:load(a) == 5)
