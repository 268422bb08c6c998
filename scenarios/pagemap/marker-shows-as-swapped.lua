-- What pagemap says of an entry that is protected by userfaultfd: uffd_wp whether there is a page,
-- a page in swap, or nothing; and nothing at all, a marker, looks like a page in swap.
--
--     0  1  2  3
--     W  s  .  d          written, swapped out, untouched, written and dropped
-- Covers: G2, A3
local p = process()
p:swapon(64)
local m, f = p:memfd_create("m"), p:open("f", "rdwr|creat")
p:pwrite(f, ("f"):rep(4 * PAGE))
local protected = "swapped uffd_wp"
for _, kind in ipairs {
	{ "private|anonymous", -1, "exclusive present uffd_wp" },
	{ "shared|anonymous", -1, "exclusive file present uffd_wp" },
	{ "private", m, "exclusive present uffd_wp" },
	{ "shared", m, "exclusive file present uffd_wp" },
	{ "private", f, "exclusive present uffd_wp" },
} do
	local flags, fd, present = table.unpack(kind)
	if fd == m then
		p:ftruncate(m, 0)
		p:ftruncate(m, 4 * PAGE)
	end
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "pagefault_flag_wp|wp_unpopulated|wp_hugetlbfs_shmem|wp_async")
	local a = p:mmap { len = 4 * PAGE, flags = flags, fd = fd }
	local function expect_words(...)
		local want = table.pack(...)
		for i, page in ipairs(p:pagemap(a, 4)) do
			local words = {}
			for name, set in pairs(page) do
				words[#words + 1] = set and name ~= "soft_dirty" and name or nil
			end
			expect_eq(table.concat(words, " "), want[i], flags)
		end
	end
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	expect_words(protected, protected, protected, protected)
	for _, page in ipairs { 0, 1, 3 } do
		p:store(a + page * PAGE, 1)
	end
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	p:madvise(a + PAGE, PAGE, "pageout")
	p:madvise(a + 3 * PAGE, PAGE, "dontneed")
	-- Of memory that is only anonymous nothing is left where a page was dropped.
	expect_words(present, protected, protected,
		flags == "private|anonymous" and "" or protected)
	-- The protection is gone with a write, and with the registration.
	p:store(a, 2)
	expect(not p:pagemap(a).uffd_wp)
	p:uffd_unregister(u, a, 4 * PAGE)
	for _, page in ipairs(p:pagemap(a, 4)) do
		expect(not page.uffd_wp)
	end
	expect_eq(p:pagemap(a + PAGE).swapped, flags:find("shared") == nil)
	p:munmap(a, 4 * PAGE)
	p:close(u)
end
