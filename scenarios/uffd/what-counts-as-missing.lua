-- Missing is what has no data anywhere: not a page in swap, not one that fallocate has put into the
-- file. A page that the file has is minor, in memory or in swap, for each mapping that has it
-- not; a copy of one's own is neither.
--
--     page    0: in memory   1: in swap   2: allocated, never written   3: a hole
-- Covers: B1, B10, B17, P3
local p = process()
p:swapon(64)
local src = p:mmap { len = PAGE }
p:write(src, "s")
for _, flags in ipairs { "shared", "private" } do
	for _, modes in ipairs { "missing", "minor", "missing|minor" } do
		for _, access in ipairs { "read", "write" } do
			local fd = p:memfd_create("f")
			p:ftruncate(fd, 4 * PAGE)
			local b = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
			p:write(b, "a")
			p:write(b + PAGE, "b")
			p:madvise(b + PAGE, PAGE, "pageout")
			p:fallocate(fd, 0, 2 * PAGE, PAGE)
			local u = p:userfaultfd("nonblock")
			p:uffd_api(u)
			local a = p:mmap { len = 4 * PAGE, flags = flags, fd = fd }
			p:uffd_register(u, a, 4 * PAGE, modes)
			local t = p:thread(function()
				for i = 0, 3 do
					if access == "read" then
						p:load(a + i * PAGE)
					else
						p:store(a + i * PAGE, 1)
					end
				end
			end)
			local function told(page, minor)
				p:uffd_wait(u)
				local m = p:uffd_read(u)
				expect_eq(m.addr, a + page * PAGE, modes .. ", " .. access)
				expect_eq(m.flags, (access == "write" and "write" or "") ..
					(minor and access == "write" and "|" or "") ..
					(minor and "minor" or ""))
			end
			for i = 0, 2 do
				if modes:find("minor") then
					told(i, true)
					p:uffd_continue(u, a + i * PAGE, PAGE)
				end
			end
			if modes:find("missing") then
				told(3, false)
				p:uffd_copy(u, a + 3 * PAGE, src, PAGE)
			end
			t:join()
			expect_eq(p:poll(u), "")
			-- What is mapped, or was copied, is there also when it has been out.
			p:madvise(a, 4 * PAGE, "pageout")
			if flags == "private" and access == "write" then
				for i = 0, 3 do
					p:store(a + i * PAGE, 2)
				end
				expect_eq(p:poll(u), "")
			end
			p:close(u)
			p:close(fd)
			p:munmap(a, 4 * PAGE)
			p:munmap(b, 4 * PAGE)
		end
	end
end
-- Private memory in swap is there.
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { len = 2 * PAGE }
p:store(a, 7)
p:uffd_register(u, a, 2 * PAGE, "missing")
p:madvise(a, PAGE, "pageout")
expect(not p:pagemap(a).present and p:load(a) == 7)
p:madvise(a, PAGE, "pageout")
expect_errno("EEXIST", function() p:uffd_copy(u, a, src, PAGE) end)
expect_errno("EEXIST", function() p:uffd_zeropage(u, a, PAGE) end)
expect_errno("EEXIST", function() p:uffd_poison(u, a, PAGE) end)
expect(p:load(a) == 7)
-- Dropped it is missing.
p:madvise(a, PAGE, "pageout")
p:madvise(a, PAGE, "dontneed")
local t = p:thread(function() expect(p:load(a) == 0) end)
p:uffd_wait(u)
expect_eq(p:uffd_read(u).addr, a)
p:uffd_zeropage(u, a, PAGE)
t:join()
