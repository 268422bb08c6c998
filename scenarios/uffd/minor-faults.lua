-- Minor mode: the page is in the page cache, but not mapped here; the handler maps it by CONTINUE.
-- Covers: B1, B4, B17
local p = process()
local fd = p:memfd_create("minor")
p:ftruncate(fd, 8 * PAGE)
for i = 0, 5 do
	p:pwrite(fd, ("%d"):format(i):rep(PAGE), i * PAGE)
end
local u = p:userfaultfd()
p:uffd_api(u, "minor_shmem|missing_shmem")
local a = p:mmap { len = 8 * PAGE, flags = "shared", fd = fd }
expect_eq(p:uffd_register(u, a, 8 * PAGE, "minor"), "wake|copy|zeropage|move|continue|poison")
expect_eq(p:smaps(a).vmflags, "rd wr sh mr mw me ms ui")
local t = p:thread(function()
	expect_eq(p:read(a, 1), "0")
	p:write(a + PAGE, "W")
	-- Not in the cache: no minor fault, and nobody asked for missing ones.
	expect(p:load(a + 6 * PAGE) == 0)
end)
local m = p:uffd_read(u)
expect(m.flags == "minor" and m.addr == a)
-- No neighbours are mapped along.
expect_eq(p:uffd_continue(u, a, PAGE), PAGE)
m = p:uffd_read(u)
expect(m.flags == "write|minor" and m.addr == a + PAGE)
expect(not p:pagemap(a + 2 * PAGE).present)
p:uffd_continue(u, a + PAGE, 2 * PAGE)
t:join()
expect(p:pagemap(a + 2 * PAGE).present and not p:pagemap(a + 3 * PAGE).present)
expect_eq(p:pread(fd, 2, PAGE), "W1")
expect_errno("EEXIST", function() p:uffd_continue(u, a, PAGE) end)
expect_errno("EFAULT", function() p:uffd_continue(u, a + 7 * PAGE, PAGE) end)
expect_errno("EINVAL", function() p:uffd_continue(u, a + 3 * PAGE + 1, PAGE) end)
expect_errno("EINVAL", function() p:uffd_continue(u, a + 3 * PAGE, PAGE, 4) end)
expect_errno("EINVAL", function() p:uffd_continue(u, a + 3 * PAGE, PAGE, "wp") end)
-- Private mappings may ask, too.
local b = p:mmap { len = PAGE, flags = "private", fd = fd }
expect_eq(p:uffd_register(u, b, PAGE, "minor"), "wake|copy|zeropage|move|continue|poison")
