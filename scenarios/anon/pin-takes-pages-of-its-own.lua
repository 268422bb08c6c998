-- Pinning memory for I/O faults it in as a write would: nothing shared, no zero page stays
-- under the pin.
--
--         0    4    8   12
--     p   S    Z    ·    X      S shared with a child   Z zero page   X already exclusive
--     p   A    A    A    A      after the pin: pages of its own, all resident
-- Covers: P2, R3
local p = process()
local a = p:mmap { len = 16 * K }
p:write(a, "shared")
expect(p:load(a + 4 * K) == 0)
local c = p:fork()
p:write(a + 12 * K, "own")
expect(p:smaps(a).rss == 8 * K)

local pin = p:pin(a, 16 * K)
expect(p:mincore(a, 16 * K) == "1111")
expect(p:smaps(a).private_dirty == 16 * K)
for i = 0, 3 do
	expect(p:pagemap(a + i * 4 * K).exclusive)
end
expect(p:read(a, 6) == "shared" and c:read(a, 6) == "shared")
expect(c:pagemap(a).exclusive)
expect(c:smaps(a).rss == 4 * K)

-- A child's write, or its end, does not matter to the pin any more.
c:write(a, "child!")
c:exit()
expect(p:read(a, 6) == "shared")

-- Unaligned ends count as whole pages; one page may be pinned several times.
local again = p:pin(a + 4 * K - 1, 2)
p:unpin(pin)
c = p:fork()
expect(p:pagemap(a).exclusive and p:pagemap(a + 4 * K).exclusive)
expect(not p:pagemap(a + 8 * K).exclusive)
p:unpin(again)
c:exit()

-- What cannot be written cannot be pinned; nothing stays pinned of a range that fails.
p:mprotect(a + 8 * K, 4 * K, "r")
expect_errno("EFAULT", function() p:pin(a, 16 * K) end)
p:mprotect(a + 8 * K, 4 * K, "none")
expect_errno("EFAULT", function() p:pin(a, 16 * K) end)
p:madvise(a + 8 * K, 4 * K, "guard_install")
p:mprotect(a + 8 * K, 4 * K, "rw")
expect_errno("EFAULT", function() p:pin(a, 16 * K) end)
p:munmap(a + 8 * K, 4 * K)
expect_errno("EFAULT", function() p:pin(a, 16 * K) end)
expect_errno("EFAULT", function() p:pin(0x1000, 4 * K) end)
expect_errno("EINVAL", function() p:pin(a, 0) end)
expect_errno("EINVAL", function() p:unpin(again) end)
c = p:fork()
expect(not p:pagemap(a).exclusive)
c:exit()

-- A large range is pinned in parts, and given back whole when its last page cannot be had.
local big = p:mmap { len = 3 * M, prot = "rwx" }
p:mprotect(big + 3 * M - 4 * K, 4 * K, "rx")
expect_errno("EFAULT", function() p:pin(big, 3 * M) end)
expect(p:smaps(big).rss == 3 * M - 4 * K)
c = p:fork()
expect(p:smaps(big).private_dirty == 0)
c:exit()
pin = p:pin(big, 3 * M - 4 * K)
c = p:fork()
expect(p:smaps(big).private_dirty == 3 * M - 4 * K)
