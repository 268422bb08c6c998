-- A page that a child shares cannot be moved: it would be there for one of the two only.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a, b = p:mmap { len = PAGE }, p:mmap { addr = 0x10000000, len = PAGE }
p:write(a, "here")
p:uffd_register(u, b, PAGE, "missing")
local c = p:fork()
expect_errno("EBUSY", function() p:uffd_move(u, b, a, PAGE) end)
expect_eq(p:read(a, 4) .. c:read(a, 4), "herehere")
c:exit()
