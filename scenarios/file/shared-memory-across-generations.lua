-- Shared memory outlives whoever made it; a private copy of it is split among children page by
-- page.
-- Covers: P1, P2
local p = process()
local a = p:mmap { len = 8 * K, flags = "shared|anonymous" }
local fd = p:memfd_create("old")
p:ftruncate(fd, 8 * K)
p:pwrite(fd, ("o"):rep(8 * K))
local v = p:mmap { len = 8 * K, flags = "private", fd = fd }
p:write(a, "one")
p:write(v, "p")
local c = p:fork()
local g = c:fork()
c:write(v + 4 * K, "c")
g:write(v, "g")
p:exit()
expect_eq(g:read(a, 3), "one")
expect_eq(c:read(v, 2), "po")
expect_eq(g:read(v, 2), "go")
expect_eq(g:read(v + 4 * K, 1), "o")
c:exit()
g:munmap(a, 4 * K)
expect(g:load(a + 4 * K) == 0)
expect_eq(g:pread(fd, 2), "oo")
