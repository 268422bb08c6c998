-- Advice on shared memory: DONTNEED drops the mapping only, COLD and PAGEOUT leave contents alone,
-- FREE is not for it, WILLNEED is harmless.
-- Covers: P1, Z3
local p = process()
local a = p:mmap { len = 16 * K, flags = "shared|anonymous" }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 4 * K, "cold")
p:madvise(a + 4 * K, 4 * K, "dontneed")
p:madvise(a + 8 * K, 4 * K, "willneed")
expect(p:smaps(a).rss == 12 * K)
for i = 0, 3 do
	expect_eq(p:read(a + i * 4 * K, 6), "page " .. i)
end
expect_errno("EINVAL", function() p:madvise(a, 4 * K, "free") end)
p:madvise(a, 16 * K, "remove")
expect(p:smaps(a).rss == 0 and p:load(a + 12 * K) == 0)
-- The right to write the file is what counts, not that of the mapping.
p:mprotect(a, 16 * K, "r")
p:madvise(a, 16 * K, "remove")
local v = p:mmap { len = 4 * K }
expect_errno("EINVAL", function() p:madvise(v, 4 * K, "remove") end)
p:mprotect(a, 16 * K, "rw")
p:mlock(a, 4 * K)
expect_errno("EINVAL", function() p:madvise(a, 4 * K, "remove") end)
