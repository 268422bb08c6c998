-- A child, and the handler not told: nothing in it is protected.
-- Covers: B12
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "sigbus")
local a = p:mmap { len = PAGE }
p:write(a, "here")
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
local c = p:fork()
expect(p:pagemap(a).uffd_wp and not c:pagemap(a).uffd_wp)
c:write(a, "free")
expect_eq(p:read(a, 4), "here")
