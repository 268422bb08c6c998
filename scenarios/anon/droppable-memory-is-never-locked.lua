-- mlockall for the future does not lock droppable memory, though it still populates it, and
-- then all of it, even where pages were to be locked only when touched.
-- Covers: P1

for _, flags in ipairs { "future", "current|future", "future|onfault" } do
	local p = process()
	p:mlockall(flags)
	local a = p:mmap{ len = 2*PAGE, prot = "rw", flags = "droppable|anonymous" }
	expect(not p:smaps(a).vmflags:find("lo"))
	expect(p:smaps(a).locked == 0)
	expect(p:smaps(a).rss == 2*PAGE)
	p:mlock(a, 2*PAGE)
	expect(not p:smaps(a).vmflags:find("lo"))
	expect(p:status().vmlck == 0)
	p:madvise(a, 2*PAGE, "dontneed")
end
