-- To each call a marker is what its place in memory is without it: not there. Nothing counts it;
-- what looks for data brings the page in, protected; what would write is stopped.
--
--     page   P: in memory and protected, m: a marker
-- Covers: A2, A3, B4, B19, G1
local p, q = process(), process()
p:swapon(64)
local fd = p:memfd_create("f")
p:ftruncate(fd, 8 * PAGE)
for i = 0, 3 do
	p:pwrite(fd, "file", i * PAGE)
end
for _, flags in ipairs { "private|anonymous", "shared|anonymous", "shared", "private" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_unpopulated|sigbus")
	local file = not flags:find("anonymous")
	local a = p:mmap { len = 8 * PAGE, flags = flags, fd = file and fd or nil }
	p:uffd_register(u, a, 8 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 8 * PAGE, "wp")
	local function picture()
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 8)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	-- Only looking.
	local seen = p:smaps(a)
	expect(seen.rss == 0 and seen.swap == 0 and seen.pss == 0)
	expect_eq(p:mincore(a, 4 * PAGE):find("1") ~= nil, file)
	for _, ask in ipairs { true, false } do
		local nodes, left = p:move_pages(a, 8, not ask and 0 or nil,
			not ask and "move" or nil)
		expect_eq(table.concat(nodes, " "), ("ENOENT "):rep(7) .. "ENOENT")
		expect_eq(left, 0)
	end
	p:msync(a, 8 * PAGE, "sync")
	p:madvise(a, 8 * PAGE, "mergeable")
	p:mlock2(a + 6 * PAGE, PAGE, "onfault")
	expect_eq(picture(), "mmmmmmmm", flags)
	-- Reading from outside brings in what is there; writing finds it protected; so does a pin.
	expect_eq(q:vm_readv(p, { { a, 4 } }), file and "file" or "\0\0\0\0")
	expect_errno("EFAULT", function() q:vm_writev(p, { { a + PAGE, 4 } }, "wwww") end)
	expect_errno("EFAULT", function() p:pin(a + 2 * PAGE, PAGE) end)
	expect_eq(picture(), "PPPmmmmm", flags)
	-- Locking private memory is writing to it, locking shared memory reading.
	local ok, errno = p:try("mlock", a + 4 * PAGE, PAGE)
	expect_eq(ok and "locked" or errno, flags:find("private") and "ENOMEM" or "locked", flags)
	expect_eq(picture(), "PPPmPmmm", flags)
	expect_signal("SIGBUS", p.xchg, p, a + 3 * PAGE, 1)
	expect_signal("SIGBUS", p.cmpxchg, p, a + 5 * PAGE, 7, 1)
	expect_eq(picture(), "PPPPPPmm", flags)
	p:munlock(a, 8 * PAGE)
	p:mremap(a, 8 * PAGE, 4 * PAGE)
	p:close(u)
	p:munmap(a, 4 * PAGE)
end
