-- A poisoned entry through everything else: protected, moved by mremap, advised, forked with and
-- without the event, in private and shared mappings of a file, and refused where something is.
-- Covers: A1, A3, B17, B19
local p = process()
local src = p:mmap { len = PAGE }
local fd = p:memfd_create("f")
p:ftruncate(fd, 4 * PAGE)
p:pwrite(fd, "f", PAGE)
for _, flags in ipairs { "private|anonymous", "shared|anonymous", "shared", "private" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_unpopulated")
	local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = flags .. "|fixed",
		fd = not flags:find("anonymous") and fd or nil }
	p:uffd_register(u, a, 4 * PAGE, "missing|wp")
	-- What is in the file, but not mapped, does not matter.
	expect_eq(p:uffd_poison(u, a, 2 * PAGE), 2 * PAGE)
	p:uffd_zeropage(u, a + 3 * PAGE, PAGE)
	local failure = expect_errno("EAGAIN", function() p:uffd_poison(u, a + 2 * PAGE,
		2 * PAGE) end)
	expect_eq(failure.words[4], PAGE)
	failure = expect_errno("EEXIST", function() p:uffd_poison(u, a + 2 * PAGE, PAGE) end)
	expect_eq(failure.words[4], -17)
	expect_signal("SIGBUS", p.load, p, a)
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	expect(not p:pagemap(a).uffd_wp)
	p:uffd_writeprotect(u, a, 4 * PAGE, "")
	expect_signal("SIGBUS", p.load, p, a + PAGE)
	p:madvise(a, 4 * PAGE, "cold")
	p:madvise(a, 4 * PAGE, "willneed")
	expect(p:pagemap(a).swapped and p:pagemap(a + PAGE).swapped)
	if flags == "private|anonymous" then
		-- What may be freed is freed.
		p:madvise(a, PAGE, "free")
		expect(not p:pagemap(a).swapped)
	end
	-- Locking and populating find it.
	expect_errno("EHWPOISON", function() p:madvise(a + PAGE, PAGE, "populate_read") end)
	p:mprotect(a, 4 * PAGE, "r")
	p:mprotect(a, 4 * PAGE, "rw")
	-- Moved without the event it is registered no more, and still poison.
	local b = p:mremap(a, 4 * PAGE, 4 * PAGE, "maymove|fixed", 0x20000000)
	expect_signal("SIGBUS", p.load, p, b + PAGE)
	local c = p:fork()
	-- A child copies entries only where it could not find what is behind them in the file.
	if flags:find("private") then
		expect_signal("SIGBUS", c.load, c, b + PAGE)
	else
		c:load(b + PAGE)
	end
	c:exit()
	p:madvise(b, 4 * PAGE, "dontneed")
	expect(not p:pagemap(b + PAGE).swapped)
	expect_eq(p:read(b + PAGE, 1), flags:find("anonymous") and "\0" or "f")
	p:close(u)
	p:munmap(b, 4 * PAGE)
end
