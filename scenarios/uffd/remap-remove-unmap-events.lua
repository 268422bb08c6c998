-- Changes of the registered memory are told, with the range, before they are over.
-- Covers: B15, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "event_remap|event_remove|event_unmap|missing_shmem")
local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
p:uffd_register(u, a, 8 * PAGE, "missing")
local function told(event, fn, also)
	local t = p:thread(fn)
	local m = p:uffd_read(u)
	expect_eq(m.event, event)
	if also then
		expect_eq(p:uffd_read(u).event, also)
	end
	t:join()
	return m
end
local m = told("remove", function() p:madvise(a + PAGE, 2 * PAGE, "dontneed") end)
expect(m.start == a + PAGE and m.stop == a + 3 * PAGE)
m = told("unmap", function() p:munmap(a + 6 * PAGE, 2 * PAGE) end)
expect(m.start == a + 6 * PAGE and m.stop == a + 8 * PAGE)
local to = 0x20000000
m = told("remap", function() p:mremap(a, 4 * PAGE, 4 * PAGE, "maymove|fixed", to) end, "unmap")
expect(m.from == a and m.to == to and m.len == 4 * PAGE)
expect(p:smaps(to).vmflags:find("um"))
m = told("unmap", function()
	p:mmap { addr = to, len = PAGE, flags = "private|anonymous|fixed" }
end)
expect(m.start == to and m.stop == to + PAGE)
local fd = p:memfd_create("m")
p:ftruncate(fd, 4 * PAGE)
local s = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
p:write(s, "x")
p:uffd_register(u, s, 4 * PAGE, "missing")
m = told("remove", function() p:madvise(s, PAGE, "remove") end)
expect(m.start == s and m.stop == s + PAGE)
m = told("unmap", function() p:mremap(s, 4 * PAGE, 2 * PAGE) end)
expect(m.start == s + 2 * PAGE)
