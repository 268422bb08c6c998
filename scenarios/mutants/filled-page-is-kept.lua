-- What a handler puts into shared memory is data like any other, though nobody has written it
-- through a mapping: reclaim writes it out before it takes the page.
-- Covers: B3, B2
local p = process()
p:swapon(64)
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "missing_shmem")
local a = p:mmap { len = PAGE, flags = "shared|anonymous" }
p:uffd_register(u, a, PAGE, "missing")
p:uffd_copy(u, a, src, PAGE)
p:uffd_unregister(u, a, PAGE)
p:madvise(a, PAGE, "pageout")
expect(not p:pagemap(a).present)
expect(p:read(a, 1) == "s")
