-- A process that ends lets go of all it had, in whatever state: locked, pinned, guarded, given
-- up, shared with others, or never touched. What it shared belongs to the others alone.
--
--         0    4    8   12   16   20
--     p   S    S    S    S    Z    ·      S shared by both   Z zero page   · untouched
--     c   L    P    N    F    Z    G      L locked   P pinned, so a copy   N no access
--     p   A    A    A    A    Z    ·      F given up   G guard   A p's alone
-- Covers: P1
local p = process()
local a = p:mmap { len = 24 * K }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
expect(p:load(a + 16 * K) == 0)

local c = p:fork()
c:mlock2(a, 4 * K, "onfault")
local pin = c:pin(a + 4 * K, 4 * K)
c:mprotect(a + 8 * K, 4 * K, "none")
c:madvise(a + 12 * K, 4 * K, "free")
c:madvise(a + 20 * K, 4 * K, "guard_install")
c:mmap { len = 1 * M, flags = "private|anonymous|populate" }
c:brk(c:brk() + 64 * K)
local g = c:fork()
expect(p:smaps(a).pss == 1 * K + 4 * K + 1 * K + 1 * K)

-- The one in the middle ends with its pin and its lock in place.
c:exit()
expect(not c:alive())
expect(p:smaps(a).pss == 2 * K + 4 * K + 2 * K + 2 * K)
expect(g:pagemap(a + 4 * K).exclusive and p:pagemap(a + 4 * K).exclusive)
expect(g:read(a, 6) == "page 0" and g:read(a + 4 * K, 6) == "page 1")
expect(g:pagemap(a + 20 * K).guard)

g:exit()
expect(p:smaps(a).private_dirty == 16 * K and p:smaps(a).pss == 16 * K)
expect(p:mincore(a, 24 * K) == "111110")
for i = 0, 3 do
	expect(p:read(a + i * 4 * K, 6) == "page " .. i)
	p:write(a + i * 4 * K, "PAGE " .. i)
end
expect(p:status().rssanon == 16 * K)

-- Nothing of the ended ones shows in a process started after them.
local q = process()
expect(q:maps() == "" and q:status().vmsize == 0 and q:status().vmrss == 0)
p:exit()
expect(q:mmap { len = 24 * K } == a)
expect(q:load(a) == 0)
