-- swapoff brings every page back into memory, of every process and of shared memory, before the
-- area goes.
-- Covers: P3, B10
local p = process()
local area = p:swapon(256)
local a = p:mmap { len = 16 * K }
local s = p:mmap { len = 16 * K, flags = "shared|anonymous" }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
	p:write(s + i * 4 * K, "shared " .. i)
end
p:madvise(a, 16 * K, "pageout")
p:madvise(s, 16 * K, "pageout")
-- What nobody may access goes and comes as well.
local n = p:mmap { addr = 0x10000000, len = 8 * K, flags = "private|anonymous|fixed" }
p:write(n, "hidden")
p:mprotect(n, 8 * K, "none")
p:madvise(n, 8 * K, "pageout")
expect(p:smaps(n).swap == 4 * K)
local c = p:fork()
c:write(a, "child 0")
p:swapoff(area)
expect(p:smaps(a).swap == 0 and c:smaps(a).swap == 0 and p:smaps(s).swap == 0)
expect(p:pagemap(a + 4 * K).present and c:pagemap(a + 4 * K).present)
for i = 0, 3 do
	expect_eq(p:read(a + i * 4 * K, 6), "page " .. i)
	expect_eq(p:read(s + i * 4 * K, 8), "shared " .. i)
end
expect_eq(c:read(a, 7), "child 0")
expect(p:pagemap(n).present)
p:mprotect(n, 8 * K, "r")
expect_eq(p:read(n, 6), "hidden")
expect_errno("EINVAL", function() p:swapoff(area) end)
expect_errno("EINVAL", function() p:swapoff(7) end)
-- Without an area nothing goes out any more.
p:madvise(a, 16 * K, "pageout")
expect(p:smaps(a).swap == 0)
