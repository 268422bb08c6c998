-- process_vm_readv takes a page under a pin, and a pinned page is never one that another
-- process could write away: a page shared after fork is unshared for it, without a write.
--
-- Seen from outside: reading the child's memory gives the child a page of its own, which no
-- write has made dirty. The zero page is nobody's and stays what it is; a page that was never
-- touched becomes the zero page, as by any read.
--
--         0    4    8
--     p   S    Z    ·        S shared   Z zero page   A p's alone   C a clean copy
--     c   S    Z    ·
--     p   A    Z    ·        after p has read c's memory
--     c   C    Z    Z
-- Covers: N2, P1, P2
local p = process()
local a = p:mmap { len = 12 * K }
p:write(a, "shared bytes")
expect(p:load(a + 4 * K) == 0)
local c = p:fork()
expect(c:smaps(a).private_dirty == 0 and c:smaps(a).shared_dirty == 4 * K)

expect(p:vm_readv(c, { { a, 12 } }) == "shared bytes")
local vma = c:smaps(a)
expect(vma.private_clean == 4 * K and vma.private_dirty == 0 and vma.shared_dirty == 0)
expect(p:pagemap(a).exclusive and c:pagemap(a).exclusive)
expect(p:smaps(a).private_dirty == 4 * K)

expect(p:vm_readv(c, { { a + 4 * K, 8 * K } }) == ("\0"):rep(8 * K))
expect(c:mincore(a, 12 * K) == "111")
expect(c:smaps(a).rss == 4 * K)
expect(not c:pagemap(a + 4 * K).exclusive and not c:pagemap(a + 8 * K).exclusive)

c:write(a, "child")
expect(c:smaps(a).private_dirty == 4 * K)
expect(p:read(a, 12) == "shared bytes")

-- Reading one's own memory this way unshares it as well.
local d = p:fork()
expect(p:vm_readv(p, { { a, 6 } }) == "shared")
expect(p:smaps(a).private_clean == 4 * K)
expect(d:smaps(a).private_dirty == 4 * K)

-- Writing another's memory is a write of its: copy-on-write, then the bytes.
local e = d:fork()
expect(p:vm_writev(e, { { a, 6 } }, "poked!") == 6)
expect(e:read(a, 12) == "poked! bytes" and d:read(a, 6) == "shared")
expect(e:smaps(a).private_dirty == 4 * K)
