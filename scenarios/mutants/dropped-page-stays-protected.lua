-- A page of shared memory that is dropped from the mapping comes back protected: a marker was left.
-- Covers: Z3, B4
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "sigbus")
local a = p:mmap { len = PAGE, flags = "shared|anonymous" }
p:write(a, "here")
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
p:madvise(a, PAGE, "dontneed")
expect_signal("SIGBUS", p.store, p, a, 1)
expect_eq(p:read(a, 4), "here")
expect(p:pagemap(a).uffd_wp)
