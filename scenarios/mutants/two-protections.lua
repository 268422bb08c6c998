-- mprotect and userfaultfd protect one page each in its own way: neither lifts what is the other's.
-- Covers: B15, C5
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "sigbus")
local a = p:mmap { len = 2 * PAGE }
p:write(a, ("x"):rep(2 * PAGE))
p:uffd_register(u, a, 2 * PAGE, "wp")
p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
p:mprotect(a, PAGE, "r")
p:mprotect(a, PAGE, "rw")
expect_signal("SIGBUS", p.store, p, a, 1)
p:mprotect(a + PAGE, PAGE, "r")
p:uffd_writeprotect(u, a + PAGE, PAGE, "")
expect_signal("SIGSEGV", p.store, p, a + PAGE, 1)
