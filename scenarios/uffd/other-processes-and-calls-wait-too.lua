-- Calls of the kernel on behalf of a process meet the same faults: reading from outside waits for
-- the handler; what may not wait is refused.
-- Covers: B17, N4
local p, q = process(), process()
local u = p:userfaultfd()
p:uffd_api(u)
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local a = p:mmap { len = 4 * PAGE }
p:uffd_register(u, a, 4 * PAGE, "missing")
local t = q:thread(function() expect_eq(q:vm_readv(p, { { a, 4 } }), "ssss") end)
local m = p:uffd_read(u)
expect_eq(m.addr, a)
p:uffd_copy(u, a, src, PAGE)
t:join()
local l = p:thread(function() p:mlock(a + PAGE, PAGE) end)
expect_eq(p:uffd_read(u).addr, a + PAGE)
p:uffd_copy(u, a + PAGE, src, PAGE)
l:join()
l = p:thread(function() p:madvise(a + 2 * PAGE, PAGE, "populate_write") end)
m = p:uffd_read(u)
expect(m.addr == a + 2 * PAGE and m.flags == "write")
p:uffd_zeropage(u, a + 2 * PAGE, PAGE)
l:join()
