-- A fault that was told is told again after a signal, to a handler that has dropped the first
-- message.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")
local t = p:thread(function() expect(p:load(a) == 0) end)
expect_eq(p:uffd_read(u).addr, a)
t:signal()
expect_eq(p:uffd_read(u).addr, a)
p:uffd_zeropage(u, a, PAGE)
t:join()
