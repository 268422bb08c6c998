-- MADV_COLD says that pages will not be used soon: their entries no longer count as referenced,
-- until the next access. Nothing else can be seen.
-- Covers: G1, P1
local p = process()
local a = p:mmap { len = 16 * K }
for i = 0, 2 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:load(a + 12 * K)
expect(p:smaps(a).referenced == 12 * K)

p:madvise(a, 8 * K, "cold")
local vma = p:smaps(a)
expect(vma.referenced == 4 * K)
expect(vma.rss == 12 * K and vma.private_dirty == 12 * K and vma.swap == 0)
expect(p:mincore(a, 16 * K) == "1111")
expect(p:read(a, 6) == "page 0")
expect(p:smaps(a).referenced == 8 * K)
p:madvise(a, 16 * K, "cold")
expect(p:smaps(a).referenced == 0)

-- A page that others map is not this process's to call cold.
p:write(a, "page")
local c = p:fork()
p:madvise(a, 4 * K, "cold")
expect(p:smaps(a).referenced == 4 * K)
c:exit()

-- MADV_PAGEOUT has nowhere to page out to, and does not even say that the pages are old.
p:madvise(a, 16 * K, "pageout")
vma = p:smaps(a)
expect(vma.referenced == 4 * K and vma.rss == 12 * K and vma.swap == 0)

for _, advice in ipairs { "cold", "pageout" } do
	-- No access, so no rights are asked for; but what is locked is to stay at hand.
	p:mprotect(a, 4 * K, "none")
	p:madvise(a, 4 * K, advice)
	p:mprotect(a, 4 * K, "rw")
	expect(p:read(a, 4) == "page")
	p:mlock(a + 8 * K, 4 * K)
	expect_errno("EINVAL", function() p:madvise(a, 16 * K, advice) end)
	p:munlock(a, 16 * K)
	expect_errno("ENOMEM", function() p:madvise(a, 16 * K + 1, advice) end)
	expect_errno("ENOMEM", function() p:madvise(a - 4 * K, 8 * K, advice) end)
end
