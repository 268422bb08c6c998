-- MADV_POPULATE_READ and MADV_POPULATE_WRITE fault a range in, and tell what they meet.
--
-- Reading brings the zero page where nothing was written; writing brings pages of the
-- process's own, also in place of shared ones. They go page by page: what lies before the
-- place of a failure stays populated.
--
--     0    4    8   12   16
--     ·    A    ·    ·          A written
--     Z    A    Z    ·          POPULATE_READ of 0 to 12
--     A    A    A    A          POPULATE_WRITE of all
-- Covers: P1
local p = process()
local a = p:mmap { len = 16 * K }
p:write(a + 4 * K, "kept")

p:madvise(a, 12 * K, "populate_read")
expect(p:mincore(a, 16 * K) == "1110")
expect(p:smaps(a).rss == 4 * K)
p:madvise(a, 16 * K, "populate_write")
expect(p:mincore(a, 16 * K) == "1111")
expect(p:smaps(a).rss == 16 * K and p:smaps(a).private_dirty == 16 * K)
expect(p:read(a + 4 * K, 4) == "kept" and p:load(a) == 0)

local c = p:fork()
c:madvise(a, 16 * K, "populate_read")
expect(c:smaps(a).shared_dirty == 16 * K)
c:madvise(a, 4 * K, "populate_write")
expect(c:smaps(a).private_dirty == 4 * K and c:pagemap(a).exclusive)
c:exit()

-- A hole: ENOMEM.
--     0    4    8   12   16
--     w    w    ·    w
p:madvise(a, 16 * K, "dontneed")
p:munmap(a + 8 * K, 4 * K)
for _, advice in ipairs { "populate_read", "populate_write" } do
	expect_errno("ENOMEM", function() p:madvise(a, 16 * K, advice) end)
	expect(p:mincore(a, 8 * K) == "11")
	expect(p:mincore(a + 12 * K, 4 * K) == "0")
	expect_errno("ENOMEM", function() p:madvise(a + 8 * K, 4 * K, advice) end)
end

-- A mapping that lacks the right: EINVAL. Here the words of the mapping count, not what the
-- processor could do: memory that is only to be written is not populated for reading.
local b = p:mmap { len = 12 * K }
local reads = { none = false, r = true, w = false, rw = true, rx = true, x = false }
local writes = { none = false, r = false, w = true, rw = true, rx = false, x = false }
for advice, rights in pairs { populate_read = reads, populate_write = writes } do
	for prot, allowed in pairs(rights) do
		p:mprotect(b + 4 * K, 4 * K, prot)
		p:madvise(b, 12 * K, "dontneed")
		if allowed then
			p:madvise(b, 12 * K, advice)
			expect(p:mincore(b, 12 * K) == "111")
		else
			expect_errno("EINVAL", function() p:madvise(b, 12 * K, advice) end)
			expect(p:mincore(b, 12 * K) == "100")
		end
	end
end

-- A guard cannot be populated: EFAULT.
p:mprotect(b, 12 * K, "rw")
p:madvise(b, 12 * K, "dontneed")
p:madvise(b + 4 * K, 4 * K, "guard_install")
for _, advice in ipairs { "populate_read", "populate_write" } do
	expect_errno("EFAULT", function() p:madvise(b, 12 * K, advice) end)
	expect(p:mincore(b, 12 * K) == "100")
end

-- Locked memory is populated like other memory.
p:madvise(b, 12 * K, "guard_remove")
p:mlock2(b, 12 * K, "onfault")
p:madvise(b, 12 * K, "populate_write")
expect(p:smaps(b).rss == 12 * K and p:smaps(b).locked == 12 * K)
