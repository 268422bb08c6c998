-- MADV_COLLAPSE in a process that may have no huge pages: refused, and nothing is moved.
--
-- The runner disables transparent huge pages for its processes, so that a page is 4 KiB on
-- both sides. The wish itself, MADV_HUGEPAGE, is only a flag and may be had.
-- Covers: C6, P1
local p = process()
local a = p:mmap { len = 8 * M }
local huge = (a + 2 * M - 1) // (2 * M) * (2 * M)
for i = 0, 511, 64 do
	p:write(huge + i * 4 * K, "page " .. i)
end
expect_errno("EINVAL", function() p:madvise(huge, 2 * M, "collapse") end)
p:madvise(huge, 4 * M, "hugepage")
expect_errno("EINVAL", function() p:madvise(huge, 2 * M, "collapse") end)
p:madvise(huge, 4 * M, "nohugepage")
expect_errno("EINVAL", function() p:madvise(huge, 2 * M, "collapse") end)

-- Nor does a fault bring one.
p:madvise(huge, 4 * M, "hugepage")
p:write(huge + 2 * M, "x")
local vma = p:smaps(huge)
expect(vma.anonhugepages == 0)
expect(vma.rss == 8 * 4 * K + 4 * K)
expect(p:mincore(huge + 2 * M, 8 * K) == "10")
for i = 0, 511, 64 do
	expect(p:read(huge + i * 4 * K, 5) == "page ")
end
