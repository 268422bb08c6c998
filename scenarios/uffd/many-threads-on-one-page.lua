-- Several threads wait at one page and one at another; filling a page lets all of its own go.
-- Covers: B9, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local a = p:mmap { len = 2 * PAGE }
p:uffd_register(u, a, 2 * PAGE, "missing")
local threads = {}
for i = 1, 4 do
	threads[i] = p:thread(function() expect_eq(p:read(a + (i == 4 and PAGE or 0), 1), "s") end)
end
local seen = { [a] = 0, [a + PAGE] = 0 }
for i = 1, 4 do
	local m = p:uffd_read(u)
	seen[m.addr] = seen[m.addr] + 1
end
expect(seen[a] == 3 and seen[a + PAGE] == 1)
p:uffd_copy(u, a, src, PAGE)
for i = 1, 3 do
	threads[i]:join()
end
p:uffd_copy(u, a + PAGE, src, PAGE)
threads[4]:join()
