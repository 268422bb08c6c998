-- WAKE lets the threads of a range go without filling it: they fault again. DONTWAKE fills without
-- letting go.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local a = p:mmap { len = 2 * PAGE }
p:uffd_register(u, a, 2 * PAGE, "missing")
local t = p:thread(function() expect_eq(p:read(a, 1), "s") end)
expect_eq(p:uffd_read(u).addr, a)
p:uffd_wake(u, a + PAGE, PAGE)
p:uffd_wake(u, a, PAGE)
-- Woken with nothing there: the same message again.
expect_eq(p:uffd_read(u).addr, a)
p:uffd_copy(u, a, src, PAGE, "dontwake")
expect(not t:done())
p:uffd_wake(u, a, 2 * PAGE)
t:join()
expect_errno("EINVAL", function() p:uffd_wake(u, a, 0) end)
expect_errno("EINVAL", function() p:uffd_wake(u, a + 1, PAGE) end)
p:uffd_wake(u, 0x20000000, PAGE)
