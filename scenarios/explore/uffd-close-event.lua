-- only: model (what happens depends on the order)
-- The descriptor is closed while somebody tells it of an event: who tells goes on, read or not, and
-- nothing is watched any more.
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "event_unmap|event_remove")
local a = p:mmap { len = 2 * PAGE }
p:store(a, 1)
p:uffd_register(u, a, 2 * PAGE, "missing")

concurrent(function()
	p:madvise(a, PAGE, "dontneed")
	p:munmap(a + PAGE, PAGE)
end, function()
	p:close(u)
end)
expect(p:load(a) == 0 and not p:smaps(a).vmflags:find("um"))
