-- only: model (what happens depends on the order)
-- Two processes fill the same page of a file through their own mappings: the file has one page, of
-- whoever was first; the other is told that there is something.
-- Covers: B9, B17
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
local c = p:fork()
local src, a = 0x10000000, 0x20000000
local u = {}
for i, q in ipairs { p, c } do
	q:mmap{ addr = src, len = PAGE, flags = "private|anonymous|fixed" }
	q:mmap{ addr = a, len = PAGE, flags = "shared|fixed", fd = fd }
	q:store(src, i)
	u[i] = q:userfaultfd()
	q:uffd_api(u[i], "sigbus")
	q:uffd_register(u[i], a, PAGE, "missing")
end
local done = {}

concurrent(p, function()
	done[1] = p:try("uffd_copy", u[1], a, src, PAGE) ~= nil
end, c, function()
	done[2] = c:try("uffd_copy", u[2], a, src, PAGE) ~= nil
end)
expect(done[1] ~= done[2])
local winner = done[1] and 1 or 2
expect_eq(p:load(a), winner)
expect_eq(c:load(a), winner)
