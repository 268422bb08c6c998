-- MLOCK_ONFAULT locks pages as they come and brings none.
--
--     0    4    8   12
--     A    ·    ·    ·        A written: locked at once
--     A    Z    A    ·        what is touched later is locked then
-- Covers: P1
local p = process()
local a = p:mmap { len = 16 * K }
p:write(a, "there")
p:mlock2(a, 16 * K, "onfault")
expect(p:mincore(a, 16 * K) == "1000")
expect(p:smaps(a).locked == 4 * K and p:status().vmlck == 16 * K)
expect(p:smaps(a).vmflags:find("lo"))

expect(p:load(a + 4 * K) == 0)
p:write(a + 8 * K, "later")
expect(p:mincore(a, 16 * K) == "1110")
expect(p:smaps(a).locked == 8 * K)

-- A page of a locked mapping is not given up.
for _, advice in ipairs { "dontneed", "free", "cold", "pageout", "guard_install" } do
	expect_errno("EINVAL", function() p:madvise(a, 16 * K, advice) end)
end
expect(p:read(a, 5) == "there")
p:madvise(a, 16 * K, "dontneed_locked")
expect(p:mincore(a, 16 * K) == "0000")

-- mlock over it asks for the pages; onfault over mlock takes none back, but new ones wait.
p:mlock(a, 8 * K)
expect(p:layout(a, 4) == "ww|ww")
expect(p:mincore(a, 16 * K) == "1100")
p:mlock2(a, 16 * K, "onfault")
expect(p:layout(a, 4) == "wwww")
expect(p:mincore(a, 16 * K) == "1100")
p:mlock2(a, 16 * K)
expect(p:mincore(a, 16 * K) == "1111")
expect(p:smaps(a).locked == 16 * K)

-- A locked mapping that grows brings the new pages; one locked on fault does not.
local b = p:mremap(a, 16 * K, 24 * K, "maymove")
expect(p:mincore(b, 24 * K) == "111111" and p:status().vmlck == 24 * K)
p:mlock2(b, 24 * K, "onfault")
local c = p:mremap(b, 24 * K, 32 * K, "maymove")
expect(p:mincore(c, 32 * K) == "11111100" and p:status().vmlck == 32 * K)
c = p:mremap(c, 32 * K, 4 * K)
expect(p:status().vmlck == 4 * K)

-- Making locked memory writable brings pages of its own for it, unless it waits for faults.
--
--     0    4    8
--     Z    Z          Z zero page, locked
--     A    Z          the first was locked at once, the second on fault
local r = p:mmap { len = 8 * K, prot = "r" }
p:mlock(r, 4 * K)
p:mlock2(r + 4 * K, 4 * K, "onfault")
expect(p:load(r + 4 * K) == 0)
expect(p:smaps(r).rss == 0 and p:smaps(r + 4 * K).rss == 0)
p:mprotect(r, 8 * K, "rw")
expect(p:smaps(r).rss == 4 * K and p:smaps(r).locked == 4 * K)
expect(p:smaps(r + 4 * K).rss == 0)
p:write(r + 4 * K, "x")
expect(p:smaps(r + 4 * K).locked == 4 * K)
