-- mincore: one answer a page, 1 when an access would not have to wait for its page.
--
--     0    4    8   12   16   20
--     A    Z    N    G    ·    ·     A written   Z zero page   N written, then no access
--     1    1    1    0    0          G guard     · untouched; the last is unmapped
-- Covers: G1, P1
local p = process()
local a = p:mmap { len = 24 * K }
p:write(a, "A")
expect(p:load(a + 4 * K) == 0)
p:write(a + 8 * K, "N")
p:mprotect(a + 8 * K, 4 * K, "none")
p:madvise(a + 12 * K, 4 * K, "guard_install")
p:munmap(a + 20 * K, 4 * K)

expect(p:mincore(a, 20 * K) == "11100")
-- Looking brings nothing in.
expect(p:mincore(a, 20 * K) == "11100")
-- Part of a page counts as a page; nothing is nothing, wherever it is.
expect(p:mincore(a + 8 * K, 4 * K + 1) == "10")
expect(p:mincore(a, 1) == "1")
expect(p:mincore(a, 0) == "")
expect(p:mincore(0x10000, 0) == "")

-- The address must be a page's; a page that is not mapped spoils the answer.
for _, off in ipairs { 1, 8, 4 * K - 1 } do
	expect_errno("EINVAL", function() p:mincore(a + off, 4 * K) end)
end
expect_errno("ENOMEM", function() p:mincore(a, 24 * K) end)
expect_errno("ENOMEM", function() p:mincore(a + 20 * K, 4 * K) end)
expect_errno("ENOMEM", function() p:mincore(a - 4 * K, 8 * K) end)
expect_errno("ENOMEM", function() p:mincore(a, -4 * K) end)
expect_errno("ENOMEM", function() p:mincore(0x800000000000, 4 * K) end)
expect_errno("ENOMEM", function() p:mincore(0xffff800000000000, 4 * K) end)

-- It crosses mappings as long as there is no hole, and page tables that were never made.
local big = p:mmap { len = 4 * M, prot = "rw" }
p:write(big, "x")
p:write(big + 4 * M - 4 * K, "x")
p:mprotect(big + 2 * M, 4 * K, "none")
expect(p:mincore(big, 4 * M) == "1" .. ("0"):rep(1022) .. "1")
p:madvise(big, 4 * K, "dontneed")
expect(p:mincore(big, 8 * K) == "00")

-- A child has what its tables have: fork copies them.
local c = p:fork()
expect(c:mincore(a, 20 * K) == "11100")
