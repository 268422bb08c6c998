-- Mappings whose pages are in swap are moved, cut in two, joined and forked; every entry keeps its
-- data.
-- Covers: P1, P3
local p = process()
p:swapon(256)
local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = "private|anonymous|fixed" }
for i = 0, 7 do
	p:write(a + i * PAGE, "page " .. i)
end
p:madvise(a, 8 * PAGE, "pageout")
p:munmap(a + 3 * PAGE, 2 * PAGE)
local b = p:mremap(a + 5 * PAGE, 3 * PAGE, 3 * PAGE, "maymove|fixed", 0x20000000)
p:mprotect(a + PAGE, PAGE, "r")
local c = p:fork()
p:mprotect(a + PAGE, PAGE, "rw")
expect_eq(p:layout(a, 3), "www")
expect(p:smaps(a).swap == 3 * PAGE and p:smaps(b).swap == 3 * PAGE)
for i = 0, 2 do
	expect_eq(c:read(a + i * PAGE, 6), "page " .. i)
	expect_eq(p:read(b + i * PAGE, 6), "page " .. i + 5)
end
local d = p:mremap(b, 3 * PAGE, 3 * PAGE, "maymove|dontunmap|fixed", 0x30000000)
expect(p:load(b) == 0)
expect_eq(p:read(d + 2 * PAGE, 6), "page 7")
