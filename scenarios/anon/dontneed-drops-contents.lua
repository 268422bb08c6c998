-- MADV_DONTNEED throws pages of private memory away at once; the next access finds zeros.
--
--         0    4    8   12   16   20   24
--     p   A    A    A    Z    ·   ·A·  A      A written   Z zero page   · untouched
--     p   A    ·    ·    ·    ·   ·A·  A      after MADV_DONTNEED of 4 to 20
-- Covers: P1
local p = process()
local a = p:mmap { len = 28 * K }
for _, i in ipairs { 0, 1, 2, 6 } do
	p:write(a + i * 4 * K, "page " .. i)
end
expect(p:load(a + 12 * K) == 0)
expect(p:smaps(a).rss == 16 * K)

p:madvise(a + 4 * K, 16 * K, "dontneed")
expect(p:mincore(a, 28 * K) == "1000001")
expect(p:smaps(a).rss == 8 * K and p:smaps(a).size == 28 * K)
expect(p:status().rssanon == 8 * K)
expect(p:read(a + 4 * K, 6) == ("\0"):rep(6))
expect(p:read(a, 6) == "page 0" and p:read(a + 24 * K, 6) == "page 6")

-- The mapping and its rights are untouched; a length is rounded up to whole pages.
p:write(a + 4 * K, "again")
p:madvise(a + 4 * K, 1, "dontneed")
expect(p:load(a + 4 * K) == 0)

-- Rights do not matter: it is no access.
for _, prot in ipairs { "r", "none" } do
	p:write(a, "hidden")
	p:mprotect(a, 4 * K, prot)
	p:madvise(a, 4 * K, "dontneed")
	expect(p:mincore(a, 4 * K) == "0")
	p:mprotect(a, 4 * K, "rw")
	expect(p:load(a) == 0)
end

-- Nor does it look at what is between two mappings: both ends are done, the hole reported.
p:write(a, "left")
p:munmap(a + 4 * K, 4 * K)
p:write(a + 8 * K, "right")
expect_errno("ENOMEM", function() p:madvise(a, 12 * K, "dontneed") end)
expect(p:load(a) == 0 and p:load(a + 8 * K) == 0)

-- Locked memory stays; MADV_DONTNEED_LOCKED takes it all the same, and it stays locked.
p:write(a + 24 * K, "locked")
p:mlock(a + 20 * K, 8 * K)
p:write(a + 16 * K, "before")
expect_errno("EINVAL", function() p:madvise(a + 16 * K, 12 * K, "dontneed") end)
expect(p:load(a + 16 * K) == 0)
expect(p:read(a + 24 * K, 6) == "locked")
p:madvise(a + 16 * K, 12 * K, "dontneed_locked")
expect(p:mincore(a + 20 * K, 8 * K) == "00")
expect(p:smaps(a + 20 * K).vmflags:find("lo"))
expect(p:load(a + 24 * K) == 0)
p:write(a + 24 * K, "locked")
expect(p:smaps(a + 24 * K).locked == 4 * K)
