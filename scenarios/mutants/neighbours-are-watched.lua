-- Pages that are cached are not mapped along with a neighbour where each is to be asked for.
--
--          0    4    8
--     a    W    .    .          all cached; only the first was ever touched
-- Covers: B4
local p = process()
local fd = p:memfd_create("near")
p:ftruncate(fd, 3 * PAGE)
p:pwrite(fd, ("n"):rep(3 * PAGE))
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "sigbus|minor_shmem")
local a = p:mmap { len = 3 * PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, 3 * PAGE, "minor")
expect_signal("SIGBUS", p.load, p, a)
expect_eq(p:uffd_continue(u, a, PAGE), PAGE)
expect_eq(p:read(a, 1), "n")
expect_signal("SIGBUS", p.load, p, a + PAGE)
expect(not p:pagemap(a + 2 * PAGE).present)
