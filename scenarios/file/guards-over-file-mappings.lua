-- Guards lie over the mapping, not over the file: they take the entry's place, survive truncation
-- and dropping, and the page is there again when they go.
-- Covers: P1, A3, Z2
local p = process()
local fd = p:memfd_create("guarded")
p:ftruncate(fd, 16 * K)
for i = 0, 3 do
	p:pwrite(fd, "page " .. i, i * PAGE)
end
local a = p:mmap { len = 16 * K, flags = "shared", fd = fd }
local b = p:mmap { len = 16 * K, flags = "shared", fd = fd }
expect_eq(p:read(a + PAGE, 6), "page 1")
p:madvise(a + PAGE, PAGE, "guard_install")
expect_signal("SIGSEGV", p.load, p, a + PAGE)
expect_eq(p:read(b + PAGE, 6), "page 1")
expect_eq(p:pread(fd, 6, PAGE), "page 1")
-- Fault-around maps no page over a guard.
p:madvise(a, 16 * K, "dontneed")
expect_eq(p:read(a, 6), "page 0")
expect(p:pagemap(a + PAGE).guard and p:pagemap(a + 2 * PAGE).present)
p:fallocate(fd, "punch_hole|keep_size", 0, 8 * K)
expect(p:pagemap(a + PAGE).guard)
p:ftruncate(fd, 0)
expect(p:pagemap(a + PAGE).guard)
p:ftruncate(fd, 16 * K)
p:madvise(a, 16 * K, "guard_install")
p:madvise(a, 16 * K, "guard_remove")
expect(p:load(a + PAGE) == 0)
-- In a private mapping the copy is gone for good.
local c = p:mmap { len = 8 * K, flags = "private", fd = fd }
p:write(c, "copy")
p:madvise(c, 4 * K, "guard_install")
local child = p:fork()
expect_signal("SIGSEGV", child.load, child, c)
p:madvise(c, 4 * K, "guard_remove")
expect(p:load(c) == 0)
