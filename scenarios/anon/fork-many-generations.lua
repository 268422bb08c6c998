-- A page can be shared by a whole family; each write takes the writer out, and pss says how
-- many are left.
--
--     p ── c ── g        page 0 is shared by all three until it is written
--      \── d             page 1 is written anew by every generation
--                        page 2 is untouched until the last one writes it
-- Covers: P2
local p = process()
local a = p:mmap { len = 12 * K }
p:write(a, "ancestor")
p:write(a + 4 * K, "p")

local c = p:fork()
c:write(a + 4 * K, "c")
local g = c:fork()
g:write(a + 4 * K, "g")
local d = p:fork()
local family = { p, c, g, d }

-- Page 0 is mapped four times. Page 1: by p and d together, by c and g each on their own.
for _, one in ipairs(family) do
	expect(one:read(a, 8) == "ancestor")
	expect(one:smaps(a).rss == 8 * K)
	expect(not one:pagemap(a).exclusive)
end
expect(p:read(a + 4 * K, 1) == "p" and d:read(a + 4 * K, 1) == "p")
expect(c:read(a + 4 * K, 1) == "c" and g:read(a + 4 * K, 1) == "g")
expect(p:smaps(a).pss == 1 * K + 2 * K)
expect(d:smaps(a).pss == 1 * K + 2 * K)
expect(c:smaps(a).pss == 1 * K + 4 * K)
expect(g:smaps(a).pss == 1 * K + 4 * K)
expect(not p:pagemap(a + 4 * K).exclusive and c:pagemap(a + 4 * K).exclusive)

-- Leaving one by one: whoever writes gets a copy, the others share on.
g:write(a, "grandson")
expect(g:pagemap(a).exclusive)
expect(c:smaps(a).pss == 4 * K + 1 * K) -- a third of a page, in whole KiB
p:write(a, "parent!!")
expect(c:smaps(a).pss == 4 * K + 2 * K)
expect(c:read(a, 8) == "ancestor" and d:read(a, 8) == "ancestor")

-- A process in the middle ends; its child does not need it.
c:exit()
expect(d:pagemap(a).exclusive)
expect(g:read(a, 8) == "grandson")
d:write(a, "ancestor, no more shared")
expect(g:read(a + 4 * K, 1) == "g")

-- The untouched page comes to each from nothing.
g:write(a + 8 * K, "late")
expect(p:load(a + 8 * K) == 0 and d:mincore(a + 8 * K, 4 * K) == "0")

-- The eldest ends before its descendants.
p:exit()
expect(not p:alive() and g:alive())
expect(d:smaps(a).private_dirty == 8 * K)
expect(d:read(a + 4 * K, 1) == "p")
local e = g:fork()
g:exit()
e:write(a, "heir")
expect(e:read(a, 8) == "heirdson")
expect(e:smaps(a).private_dirty == 12 * K)
