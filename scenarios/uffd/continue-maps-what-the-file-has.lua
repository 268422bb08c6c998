-- CONTINUE maps the page that the file has, asked for or not: also where only missing faults or
-- writes are told of, over a marker, poison or a guard, and when the page is in swap. It maps it as
-- the mapping may use it: writable at once if it is shared, to be copied at a write if it is
-- private, protected if that is asked for.
-- Covers: B3, B6, B9, B16, B17, B19
local p = process()
p:swapon(64)
local src = p:mmap { len = PAGE }
for _, flags in ipairs { "shared", "private" } do
	for _, modes in ipairs { "missing", "minor", "missing|wp", "missing|wp|minor" } do
		local fd = p:memfd_create("f")
		p:ftruncate(fd, 8 * PAGE)
		for i = 0, 6 do
			p:pwrite(fd, "file", i * PAGE)
		end
		local u = p:userfaultfd("nonblock")
		p:uffd_api(u, "sigbus")
		local a = p:mmap { len = 10 * PAGE, flags = flags, fd = fd }
		local b = p:mmap { len = 8 * PAGE, flags = "shared", fd = fd }
		p:uffd_register(u, a, 10 * PAGE, modes)
		local function picture()
			local letters = {}
			for i, page in ipairs(p:pagemap(a, 8)) do
				letters[i] = page.present and (page.uffd_wp and "P" or "p") or
					page.guard and "g" or page.uffd_wp and "m" or
					page.swapped and "x" or "."
			end
			return table.concat(letters)
		end
		local wp = modes:find("wp")
		if wp then
			p:uffd_writeprotect(u, a + PAGE, 2 * PAGE, "wp")
		end
		p:uffd_poison(u, a + 3 * PAGE, PAGE)
		p:madvise(a + 4 * PAGE, PAGE, "guard_install")
		p:load(b + 5 * PAGE)
		p:madvise(b + 5 * PAGE, PAGE, "pageout")
		expect_eq(picture(), wp and ".mmxg..." or "...xg...", modes)
		for i = 0, 5 do
			if i == 2 and wp then
				p:uffd_continue(u, a + i * PAGE, PAGE, "wp")
			elseif i == 2 then
				expect_errno("EINVAL", function() p:uffd_continue(u, a + i * PAGE,
					PAGE, "wp") end)
			else
				expect_eq(p:uffd_continue(u, a + i * PAGE, PAGE), PAGE)
			end
		end
		expect_eq(picture(), wp and "ppPppp.." or "pp.ppp..", modes)
		for i = 0, 5 do
			if i ~= 2 then
				p:write(a + i * PAGE, "F")
				expect_eq(p:pread(fd, 4, i * PAGE), flags == "shared" and "File"
					or "file")
				expect_eq(p:read(a + i * PAGE, 4), "File")
			elseif wp then
				expect_eq(p:read(a + 2 * PAGE, 4), "file")
				expect_signal("SIGBUS", p.store, p, a + 2 * PAGE, 1)
			end
		end
		-- A private copy is in the way like any page.
		expect_errno("EEXIST", function() p:uffd_continue(u, a, PAGE) end)
		-- A hole, and what is beyond the end.
		expect_errno("EFAULT", function() p:uffd_continue(u, a + 7 * PAGE, PAGE) end)
		for fill, errno in pairs { continue = "EINVAL", poison = "EFAULT",
			zeropage = "EFAULT" } do
			local done, got = p:try("uffd_" .. fill, u, a + 8 * PAGE, PAGE)
			expect_eq(done or got, errno, fill)
		end
		expect_errno("EFAULT", function() p:uffd_copy(u, a + 8 * PAGE, src, PAGE) end)
		-- Half of it is there: so far it goes.
		local failure = expect_errno("EAGAIN", function() p:uffd_continue(u, a + 6 * PAGE,
			2 * PAGE) end)
		expect_eq(failure.words[4], PAGE)
		p:close(u)
		p:close(fd)
		p:munmap(a, 10 * PAGE)
		p:munmap(b, 8 * PAGE)
	end
end
-- There is no file behind anonymous memory.
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
p:uffd_register(u, src, PAGE, "missing|wp")
expect_errno("EINVAL", function() p:uffd_continue(u, src, PAGE) end)
