-- Protection is of a mapping, not of memory: by another mapping, by the descriptor, by another
-- process the same page is written, and nobody is told.
-- Covers: B18
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, 2 * PAGE)
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { len = 2 * PAGE, flags = "shared", fd = fd }
local b = p:mmap { len = 2 * PAGE, flags = "shared", fd = fd }
p:write(a, "----")
p:uffd_register(u, a, 2 * PAGE, "wp")
p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
local c = p:fork()
p:write(b, "m")
p:pwrite(fd, "d", 1)
c:write(a + 2, "c")
expect_eq(p:read(a, 4), "mdc-")
p:write(b + PAGE, "n")
expect_eq(p:read(a + PAGE, 1), "n")
expect_errno("EAGAIN", function() p:uffd_read(u) end)
expect(p:pagemap(a).uffd_wp and p:pagemap(a + PAGE).uffd_wp and not p:pagemap(b).uffd_wp)
