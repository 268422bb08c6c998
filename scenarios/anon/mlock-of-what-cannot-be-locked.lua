-- When part of a range cannot be had, mlock reports it and keeps what it has done.
--
-- The flags come first, mapping by mapping, up to a hole; then the pages, up to the first
-- that cannot be faulted in.
--
--     0    4    8   12   16   20   24
--     w    w    -    w    ·    w            - no access   · nothing
--     L    L    L    L    ·    w            mlock of all: ENOMEM at the hole
-- Covers: P1
local p = process()
local a = p:mmap { len = 24 * K }
p:mprotect(a + 8 * K, 4 * K, "none")
p:munmap(a + 16 * K, 4 * K)

local function locked(i)
	return p:smaps(a + i * 4 * K).vmflags:find("lo") ~= nil
end

expect_errno("ENOMEM", function() p:mlock(a, 24 * K) end)
expect(locked(0) and locked(1) and locked(2) and locked(3) and not locked(5))
expect(p:status().vmlck == 16 * K)
-- The pages were not asked for, as the flags had failed.
expect(p:smaps(a).rss == 0)

-- Without the hole: the pages before the one without access.
expect_errno("ENOMEM", function() p:mlock(a, 16 * K) end)
expect(p:mincore(a, 16 * K) == "1100")
expect(locked(3))
-- Unlocking does not mind.
p:munlock(a, 16 * K)
expect(p:status().vmlck == 0)
expect_errno("ENOMEM", function() p:munlock(a, 24 * K) end)
expect_errno("ENOMEM", function() p:mlock(a + 16 * K, 4 * K) end)
expect_errno("ENOMEM", function() p:munlock(a + 16 * K, 4 * K) end)

-- On fault, nothing is asked for, and memory without access is as good as any.
p:mlock2(a + 8 * K, 4 * K, "onfault")
expect(locked(2))

-- Memory that may only be written is not read in for the lock, but written.
p:mprotect(a + 12 * K, 4 * K, "w")
p:mlock(a + 12 * K, 4 * K)
expect(p:mincore(a + 12 * K, 4 * K) == "1")

-- A range that wraps; an empty one; a flag that is none.
expect_errno("EINVAL", function() p:mlock(a, -4 * K) end)
expect_errno("EINVAL", function() p:munlock(a, -4 * K) end)
expect_errno("EINVAL", function() p:mlock2(a, -4 * K, "onfault") end)
p:munlockall()
p:mlock(a, 0)
p:mlock(a + 16 * K, 0)
p:munlock(0, 0)
p:mlock2(a, 0)
expect(p:status().vmlck == 0)
-- An empty range that is not aligned is the page it is in.
p:mlock(a + 5, 0)
expect(p:status().vmlck == 4 * K)
for _, flags in ipairs { 2, 3, 1 << 31 } do
	expect_errno("EINVAL", function() p:mlock2(a, 4 * K, flags) end)
end
expect_errno("ENOMEM", function() p:mlock2(a + 16 * K, 4 * K, "onfault") end)
expect_errno("ENOMEM", function() p:mlock(0x7ffffffff000, 4 * K) end)

-- Droppable memory is never locked, and that is no error.
local d = p:mmap { len = 4 * K, flags = "droppable|anonymous" }
p:mlock(d, 4 * K)
expect(not p:smaps(d).vmflags:find("lo"))
