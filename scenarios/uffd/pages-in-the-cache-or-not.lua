-- Memory registered for minor and missing faults: a page that the file has is a minor fault, one
-- that it has not is a missing one. COPY puts pages into the file, CONTINUE maps what is in it.
--
--     file  0 1 - -       pages that it has
-- Covers: B1, B4, B17
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local fd = p:memfd_create("f")
p:ftruncate(fd, 4 * PAGE)
p:pwrite(fd, "0", 0)
p:pwrite(fd, "1", PAGE)
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
local b = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
p:uffd_register(u, a, 4 * PAGE, "missing|minor|wp")
local t = p:thread(function()
	expect_eq(p:read(a, 1), "0")
	p:write(a + PAGE, "W")
	expect_eq(p:read(a + 2 * PAGE, 1), "s")
	p:write(a + 3 * PAGE, "X")
end)
local function told(page, flags)
	local m = p:uffd_read(u)
	expect(m.addr == a + page * PAGE and m.flags == flags)
end
told(0, "minor")
-- A page that the file has is not copied over.
expect_errno("EEXIST", function() p:uffd_copy(u, a, src, PAGE) end)
expect_errno("EEXIST", function() p:uffd_zeropage(u, a, PAGE) end)
p:uffd_continue(u, a, PAGE)
told(1, "write|minor")
-- Mapped protected, the write is told again.
p:uffd_continue(u, a + PAGE, PAGE, "wp")
told(1, "write|wp")
p:uffd_writeprotect(u, a + PAGE, PAGE, "")
told(2, "")
expect_errno("EFAULT", function() p:uffd_continue(u, a + 2 * PAGE, PAGE) end)
p:uffd_copy(u, a + 2 * PAGE, src, PAGE)
told(3, "write")
-- Who writes the file elsewhere makes it a page that is there; woken, the fault is a minor one.
p:write(b + 3 * PAGE, "yz")
p:uffd_wake(u, a + 3 * PAGE, PAGE)
told(3, "write|minor")
p:uffd_continue(u, a + 3 * PAGE, PAGE)
t:join()
expect_eq(p:pread(fd, 1, 2 * PAGE), "s")
expect_eq(p:read(b + 3 * PAGE, 2), "Xz")
-- Dropped from the mapping only, it is minor again; punched, missing.
t = p:thread(function()
	p:load(a)
	p:load(a + PAGE)
end)
t:join()
p:madvise(a, PAGE, "dontneed")
p:fallocate(fd, "punch_hole|keep_size", PAGE, PAGE)
t = p:thread(function()
	expect_eq(p:read(a, 1), "0")
	expect(p:load(a + PAGE) == 0)
end)
told(0, "minor")
p:uffd_continue(u, a, PAGE)
told(1, "")
p:uffd_zeropage(u, a + PAGE, PAGE)
t:join()
