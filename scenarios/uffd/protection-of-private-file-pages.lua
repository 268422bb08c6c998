-- A private mapping of a file: the page that all share is protected like one's own; a write is told
-- first and copies then, and the copy can be protected again.
-- Covers: B3, B7, B16
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, 4 * PAGE)
for i = 0, 2 do
	p:pwrite(fd, "file", i * PAGE)
end
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap { len = 4 * PAGE, flags = "private", fd = fd }
p:write(a, "mine")
p:load(a + PAGE)
p:uffd_register(u, a, 4 * PAGE, "wp")
p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
local function picture()
	local letters = {}
	for i, page in ipairs(p:pagemap(a, 4)) do
		letters[i] = (page.present and "p" or "-") .. (page.file and "f" or "-") ..
			(page.uffd_wp and "w" or "-")
	end
	return table.concat(letters, " ")
end
expect_eq(picture(), "p-w pfw pfw --w")
for i = 0, 2 do
	local t = p:thread(function() p:write(a + i * PAGE, "W") end)
	local m = p:uffd_read(u)
	expect(m.addr == a + i * PAGE and m.flags == "write|wp")
	p:uffd_writeprotect(u, m.addr, PAGE, "")
	t:join()
	expect_eq(p:pread(fd, 4, i * PAGE), "file")
end
expect_eq(picture(), "p-- p-- p-- --w")
p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
-- Dropping a copy leaves a marker, as for any file: the file's page comes in protected.
p:madvise(a, 2 * PAGE, "dontneed")
expect(p:pagemap(a).uffd_wp and not p:pagemap(a).present)
expect_eq(p:read(a, 4), "file")
expect_eq(picture(), "pfw --w p-w --w")
local t = p:thread(function() p:write(a + PAGE, "X") end)
expect_eq(p:uffd_read(u).flags, "write|wp")
p:uffd_writeprotect(u, a + PAGE, PAGE, "")
t:join()
expect_eq(p:read(a + PAGE, 4), "Xile")
-- What changes in the file shows where there is no copy, protected or not.
p:pwrite(fd, "FILE", 3 * PAGE)
expect_eq(p:read(a + 3 * PAGE, 4), "FILE")
