-- UFFDIO_MOVE and entries that hold no page: a marker, a guard or poison is neither moved nor moved
-- over; protection of a page in memory stays behind, that of a page in swap goes along, even to
-- where it means nothing.
--
--     page    0: out   1: out and in again   2: in memory   3: the zero page   4: a marker
-- Covers: A2, A3, B6, B10, B17, B19
local p = process()
p:swapon(64)
local src = p:mmap { len = PAGE }
for _, mode in ipairs { "missing", "wp", "missing|wp" } do
	local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_unpopulated|sigbus")
	p:uffd_api(v)
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
	local b = p:mmap { addr = 0x20000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
	local function picture(addr)
		local letters = {}
		for i, page in ipairs(p:pagemap(addr, 5)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	for i = 0, 2 do
		p:write(a + i * PAGE, "x")
	end
	p:load(a + 3 * PAGE)
	p:uffd_register(u, a, 8 * PAGE, "missing|wp")
	p:uffd_register(u, b, 8 * PAGE, mode)
	p:uffd_writeprotect(u, a, 8 * PAGE, "wp")
	p:madvise(a, 2 * PAGE, "pageout")
	p:load(a + PAGE)
	expect_eq(picture(a), "mPPPm")
	for i = 0, 3 do
		expect_eq(p:uffd_move(u, b + i * PAGE, a + i * PAGE, PAGE), PAGE)
	end
	expect_eq(picture(a) .. picture(b), "....mmppp.")
	-- Where it is registered the slot's protection stops a write.
	local ok, errno = p:try("store", b, 1)
	expect_eq(ok and "written" or errno, mode == "missing" and "written" or "SIGBUS")
	expect_eq(picture(b), "Pppp.")
	p:store(b + PAGE, 1)

	local function refused(want, to, from, how)
		expect_errno(want, function() p:uffd_move(u, to, from, PAGE, how) end)
	end
	local free = b + 7 * PAGE
	for _, how in ipairs { "", "allow_src_holes" } do
		refused("EFAULT", free, a + 4 * PAGE, how)
	end
	p:uffd_writeprotect(u, a, 8 * PAGE, "")
	p:madvise(a + 4 * PAGE, PAGE, "guard_install")
	refused("EFAULT", free, a + 4 * PAGE, "allow_src_holes")
	p:uffd_poison(u, a + 5 * PAGE, PAGE)
	refused("EFAULT", free, a + 5 * PAGE, "allow_src_holes")
	-- Something of this kind at the destination.
	p:uffd_copy(u, a + 6 * PAGE, src, PAGE)
	p:madvise(b + 4 * PAGE, PAGE, "guard_install")
	refused("EEXIST", b + 4 * PAGE, a + 6 * PAGE)
	p:uffd_poison(u, b + 5 * PAGE, PAGE)
	refused("EEXIST", b + 5 * PAGE, a + 6 * PAGE)
	if mode ~= "missing" then
		p:uffd_writeprotect(u, b + 6 * PAGE, PAGE, "wp")
		refused("EEXIST", b + 6 * PAGE, a + 6 * PAGE)
	end
	-- The destination must be this descriptor's, what the source is registered with is all one.
	expect_errno("EINVAL", function() p:uffd_move(v, free, a + 6 * PAGE, PAGE) end)
	p:uffd_unregister(u, b, 8 * PAGE)
	refused("EINVAL", free, a + 6 * PAGE)
	p:uffd_register(v, b, 8 * PAGE, "missing")
	refused("EINVAL", free, a + 6 * PAGE)
	expect_eq(p:uffd_move(v, free, a + 6 * PAGE, PAGE), PAGE)
	p:uffd_unregister(u, a, 8 * PAGE)
	-- Locked on both sides a page may move, and what is counted as locked goes along.
	p:store(a + 7 * PAGE, 7)
	p:mlock(a + 7 * PAGE, PAGE)
	p:munmap(free, PAGE)
	p:mmap { addr = free, len = PAGE, flags = "private|anonymous|fixed" }
	p:mlock2(free, PAGE, "onfault")
	p:uffd_register(v, free, PAGE, "missing")
	expect_eq(p:uffd_move(v, free, a + 7 * PAGE, PAGE), PAGE)
	expect_eq(p:load(free), 7)
	expect_eq(p:smaps(free).locked, PAGE)
	p:close(u)
	p:close(v)
	p:munmap(a, 8 * PAGE)
	p:munmap(b, 8 * PAGE)
end
-- Where there are no tables there are holes.
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { addr = 0x10000000, len = 6 * M, flags = "private|anonymous|fixed" }
local b = p:mmap { addr = 0x20000000 + PAGE, len = 6 * M, flags = "private|anonymous|fixed" }
p:madvise(a, 6 * M, "nohugepage")
p:madvise(b, 6 * M, "nohugepage")
p:store(a + 4 * M, 4)
p:uffd_register(u, b, 6 * M, "missing")
expect_errno("ENOENT", function() p:uffd_move(u, b, a, 6 * M) end)
expect_eq(p:uffd_move(u, b, a, 6 * M, "allow_src_holes"), 6 * M)
expect(p:pagemap(b + 4 * M).present and not p:pagemap(a + 4 * M).present)
expect(not p:pagemap(b).present and not p:pagemap(b + 2 * M).present)
