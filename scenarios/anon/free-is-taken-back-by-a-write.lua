-- MADV_FREE says that the contents may go when memory is short; a write says that they matter
-- again.
--
-- Until then nothing is dropped: the page is clean, counted as lazyfree, and still reads the
-- same. The write makes it dirty and it is an ordinary page once more.
--
--         0    4    8   12   16
--     p   A    A    A    Z    ·       A written   Z zero page   · untouched
--     p   F    F    F    Z    ·       F lazily freed
--     p   F    A    F    Z    ·       after writing 4
-- Covers: P1, P2
local p = process()
local a = p:mmap { len = 20 * K }
for i = 0, 2 do
	p:write(a + i * 4 * K, "page " .. i)
end
expect(p:load(a + 12 * K) == 0)
expect(p:smaps(a).lazyfree == 0)

p:madvise(a, 20 * K, "free")
local vma = p:smaps(a)
expect(vma.lazyfree == 12 * K)
expect(vma.rss == 12 * K and vma.private_clean == 12 * K and vma.private_dirty == 0)
expect(p:mincore(a, 20 * K) == "11110")
expect(p:read(a, 6) == "page 0")
expect(p:smaps(a).lazyfree == 12 * K)

p:write(a + 4 * K, "PAGE")
vma = p:smaps(a)
expect(vma.private_dirty == 4 * K and vma.private_clean == 8 * K)
expect(p:read(a + 4 * K, 6) == "PAGE 1")

-- Rounded up to whole pages, like every advice; twice is as good as once.
p:madvise(a + 4 * K, 1, "free")
p:madvise(a + 4 * K, 4 * K, "free")
expect(p:smaps(a).private_clean == 12 * K)

-- A page that is shared stays what it is to the other: fork makes it one that both need.
local c = p:fork()
c:write(a, "child")
expect(p:read(a, 6) == "page 0")

-- So does a shared page to the one that gives it up: it counts as lazily freed there, but the
-- other's entry still says that it was written, and that is what keeps it.
local q = process()
local b = q:mmap { len = 8 * K }
q:write(b, "both")
q:write(b + 4 * K, "both")
local d = q:fork()
q:madvise(b, 8 * K, "free")
expect(q:smaps(b).lazyfree == 8 * K and d:smaps(b).lazyfree == 0)
expect(q:read(b, 4) == "both" and d:read(b, 4) == "both")
d:exit()
q:write(b + 4 * K, "mine")
expect(q:smaps(b).lazyfree == 4 * K)

-- Locked memory is refused; memory without rights is not, for it is no access.
q:mlock(b + 4 * K, 4 * K)
expect_errno("EINVAL", function() q:madvise(b, 8 * K, "free") end)
q:munlock(b + 4 * K, 4 * K)
q:mprotect(b + 4 * K, 4 * K, "none")
q:madvise(b + 4 * K, 4 * K, "free")
expect(q:smaps(b + 4 * K).lazyfree == 4 * K)
q:mprotect(b + 4 * K, 4 * K, "rw")
expect(q:read(b + 4 * K, 4) == "mine")
