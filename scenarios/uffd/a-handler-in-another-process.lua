-- The descriptor goes along with fork, and still means the memory of the process that made it: the
-- child is the handler. What it copies is its own memory; when the parent has gone, there is
-- nothing to fill.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src = p:mmap { addr = 0x20000000, len = PAGE, flags = "private|anonymous|fixed" }
local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
p:uffd_register(u, a, 4 * PAGE, "missing|wp")
local h = p:fork()
h:write(src, ("h"):rep(PAGE))
local t = p:thread(function()
	expect_eq(p:read(a, 2), "hh")
	p:write(a + PAGE, "W")
end)
expect_eq(h:uffd_read(u).addr, a)
h:uffd_copy(u, a, src, PAGE)
expect_eq(h:uffd_read(u).addr, a + PAGE)
h:uffd_copy(u, a + PAGE, src, PAGE)
t:join()
expect_eq(p:read(a + PAGE, 2), "Wh")
-- The handler's own memory at the same address is its own.
expect(h:load(a) == 0 and not h:smaps(a).vmflags:find("um"))
-- It may register more of the parent's memory.
local b = p:mmap { addr = 0x30000000, len = PAGE, flags = "private|anonymous|fixed" }
h:uffd_register(u, b, PAGE, "missing")
expect(p:smaps(b).vmflags:find("um"))
h:uffd_unregister(u, b, PAGE)
-- Closed here, the other still has it.
p:close(u)
t = p:thread(function() expect(p:load(a + 2 * PAGE) == 0) end)
expect_eq(h:uffd_read(u).addr, a + 2 * PAGE)
h:uffd_zeropage(u, a + 2 * PAGE, PAGE)
t:join()
p:exit()
local function refused(errno, fn)
	expect_errno(errno, fn)
end
refused("ESRCH", function() h:uffd_copy(u, a, src, PAGE) end)
refused("ESRCH", function() h:uffd_zeropage(u, a, PAGE) end)
refused("ESRCH", function() h:uffd_continue(u, a, PAGE) end)
refused("ESRCH", function() h:uffd_poison(u, a, PAGE) end)
refused("ESRCH", function() h:uffd_writeprotect(u, a, PAGE, "wp") end)
refused("ENOMEM", function() h:uffd_register(u, a, PAGE, "missing") end)
refused("ENOMEM", function() h:uffd_unregister(u, a, PAGE) end)
-- Moving is for memory of one's own, whatever becomes of the other.
refused("EINVAL", function() h:uffd_move(u, a, src, PAGE) end)
h:uffd_wake(u, a, PAGE)
