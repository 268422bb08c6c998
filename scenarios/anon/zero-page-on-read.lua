-- Reading memory that was never written shows the one page of zeros that all processes share.
--
-- Nothing is allocated for it: the entry maps the zero page read-only. It is in memory and
-- counts for mincore and pagemap, but neither as resident nor as anonymous memory, and it is
-- nobody's exclusive page. The first write replaces it.
--
--         0    4    8   12
--     p   ·    ·    ·    ·      · never touched   Z zero page   A a page of its own
--     p   ·    Z    Z    ·      after reading two pages
--     p   ·    Z    A    A      after writing the third and the fourth
-- Covers: P2
local p = process()
local a = p:mmap { len = 16 * K }
expect(p:mincore(a, 16 * K) == "0000")

expect(p:load(a + 4 * K) == 0)
expect(p:read(a + 8 * K, 4 * K) == ("\0"):rep(4 * K))
expect(p:mincore(a, 16 * K) == "0110")
local page = p:pagemap(a + 4 * K)
expect(page.present and not page.exclusive and not page.swapped)
expect(not p:pagemap(a).present)
local vma = p:smaps(a)
expect(vma.size == 16 * K and vma.rss == 0 and vma.anonymous == 0)
expect(p:status().rssanon == 0)

p:write(a + 8 * K, "x")
p:store(a + 12 * K, 7)
expect(p:mincore(a, 16 * K) == "0111")
expect(p:pagemap(a + 8 * K).exclusive and p:pagemap(a + 12 * K).exclusive)
expect(not p:pagemap(a + 4 * K).exclusive)
expect(p:read(a + 8 * K, 4 * K) == "x" .. ("\0"):rep(4 * K - 1))
expect(p:load(a + 12 * K) == 7)
vma = p:smaps(a)
expect(vma.rss == 8 * K and vma.anonymous == 8 * K and vma.private_dirty == 8 * K)
expect(p:status().rssanon == 8 * K)

-- A child maps the zero page as well, and each leaves it on its own.
local c = p:fork()
expect(c:pagemap(a + 4 * K).present)
c:write(a + 4 * K, "child")
expect(p:read(a + 4 * K, 5) == "\0\0\0\0\0")
expect(not p:pagemap(a + 4 * K).exclusive)
expect(c:pagemap(a + 4 * K).exclusive)

-- Memory that may not be written keeps its zeros; what is behind it then is the same page.
local r = p:mmap { len = 4 * K, prot = "r" }
expect(p:load(r, 1) == 0)
expect(expect_signal("SIGSEGV", function() p:store(r, 1, 1) end).code == "SEGV_ACCERR")
p:mprotect(r, 4 * K, "rw")
p:store(r, 1, 1)
expect(p:pagemap(r).exclusive)
