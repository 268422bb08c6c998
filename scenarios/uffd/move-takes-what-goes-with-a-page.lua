-- What goes along with a moved page: contents, dirtiness, its place in swap; protection does not.
-- Where it was, there is nothing.
-- Covers: B17
local p = process()
p:swapon(64)
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
local b = p:mmap { addr = 0x20000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
for i = 0, 6 do
	p:write(a + i * PAGE, ("page %d"):format(i))
end
p:uffd_register(u, a, 8 * PAGE, "wp")
p:uffd_register(u, b, 8 * PAGE, "missing|wp")
-- One in swap, one in swap and read again, one protected, one the zero page.
p:madvise(a, 2 * PAGE, "pageout")
p:load(a + PAGE)
p:uffd_writeprotect(u, a + 2 * PAGE, PAGE, "wp")
p:load(a + 7 * PAGE)
for i = 0, 7 do
	expect_eq(p:uffd_move(u, b + i * PAGE, a + i * PAGE, PAGE), PAGE)
	local from, to = p:pagemap(a + i * PAGE), p:pagemap(b + i * PAGE)
	expect(not from.present and not from.uffd_wp and not from.swapped and not to.uffd_wp)
	expect(to.present == (i > 0) and to.swapped == (i == 0))
end
for i = 0, 6 do
	expect_eq(p:read(b + i * PAGE, 6), ("page %d"):format(i))
	expect(p:load(a + i * PAGE) == 0)
	p:write(b + i * PAGE, "P")
end
expect(p:load(b + 7 * PAGE) == 0)
-- Onto itself, and overlapping: there is something already.
expect_errno("EEXIST", function() p:uffd_move(u, b, b, PAGE) end)
expect_errno("EEXIST", function() p:uffd_move(u, b, b + PAGE, 2 * PAGE) end)
