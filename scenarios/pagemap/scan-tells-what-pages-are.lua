-- PAGEMAP_SCAN of each kind of memory, in each state that an entry of it can be in. As long as
-- nobody protects, all that has a table counts as written.
-- Covers: G1, A3
local p = process()
p:swapon(64)
local m, f = p:memfd_create("m"), p:open("f", "rdwr|creat")
p:ftruncate(m, 8 * PAGE)
p:pwrite(f, ("f"):rep(8 * PAGE))

-- What a page is that was only read, that was written, and that was swapped out then: of shared
-- memory the entry keeps nothing. Near it is a page that was never touched: what is in the cache of
-- a file comes with its neighbours.
local kinds = {
	{ flags = "private|anonymous", read = "|present|pfnzero", written = "|present",
		gone = "|swapped" },
	{ flags = "private", fd = m, read = "|file|present", written = "|present",
		gone = "|swapped" },
	{ flags = "private", fd = f, read = "|file|present", written = "|present",
		gone = "|swapped", near = "|file|present" },
	{ flags = "shared|anonymous", read = "|file|present", written = "|file|present",
		gone = "" },
	{ flags = "shared", fd = m, read = "|file|present", written = "|file|present", gone = "" },
	{ flags = "shared", fd = f, read = "|file|present", written = "|file|present",
		near = "|file|present" },
}
for _, kind in ipairs(kinds) do
	local a = p:mmap { len = 8 * PAGE, flags = kind.flags, fd = kind.fd or -1 }
	local function expect_page(page, want)
		local addr = a + page * PAGE
		local regions, stop, count = p:pagemap_scan { start = addr, len = PAGE }
		expect_eq(count, 1)
		expect(regions[1].start == addr and regions[1].stop == stop and
			stop == addr + PAGE)
		expect_eq(regions[1].categories, want, kind.flags)
	end
	-- Without a table nothing is known but what the mapping is.
	expect_page(0, "")
	p:load(a + PAGE)
	expect_page(0, "written" .. (kind.near or ""))
	expect_page(1, "written" .. kind.read)
	p:store(a + 2 * PAGE, 1)
	p:store(a + 3 * PAGE, 1)
	expect_page(2, "written" .. kind.written)
	if kind.gone then
		p:madvise(a + 2 * PAGE, PAGE, "pageout")
		expect_page(2, "written" .. kind.gone)
	end
	p:madvise(a + 3 * PAGE, PAGE, "dontneed")
	expect_page(3, "written")
	p:madvise(a + 4 * PAGE, PAGE, "guard_install")
	expect_page(4, "written|swapped|guard")
	p:madvise(a + 4 * PAGE, PAGE, "guard_remove")
	expect_page(4, "written")
	p:mprotect(a + PAGE, PAGE, "none")
	expect_page(1, "written" .. kind.read)
	p:munmap(a, 8 * PAGE)
	expect_eq(#p:pagemap_scan { start = a, len = 8 * PAGE }, 0)
end
