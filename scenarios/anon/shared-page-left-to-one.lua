-- However the other sharers go away, the one that is left has the page to itself and writes
-- it where it is.
--
--         0    4    8   12   16   20
--     p   A    B    C    D    E     all shared with c after fork; then c lets go of
--     c   A    B    C    D    E     A by writing, B by munmap, C by MADV_DONTNEED,
--     c   a    ·    ·    g    E'    D by a guard, E by moving it away (which is no letting go)
-- Covers: P2
local p = process()
local a = p:mmap { len = 20 * K }
for i = 0, 4 do
	p:write(a + i * 4 * K, "page " .. i)
end
local c = p:fork()
expect(p:smaps(a).shared_dirty == 20 * K and p:smaps(a).pss == 10 * K)

c:write(a, "copied")
expect(p:pagemap(a).exclusive)
c:munmap(a + 4 * K, 4 * K)
expect(p:pagemap(a + 4 * K).exclusive)
c:madvise(a + 8 * K, 4 * K, "dontneed")
expect(p:pagemap(a + 8 * K).exclusive)
c:madvise(a + 12 * K, 4 * K, "guard_install")
expect(p:pagemap(a + 12 * K).exclusive)
local there = c:mremap(a + 16 * K, 4 * K, 4 * K, "maymove|fixed", a - 64 * K)
expect(not p:pagemap(a + 16 * K).exclusive)
expect(c:read(there, 6) == "page 4")

-- MADV_DONTNEED is this process's affair: the bytes are still there for the other.
expect(c:load(a + 8 * K) == 0)
for i = 0, 4 do
	expect(p:read(a + i * 4 * K, 6) == "page " .. i)
	p:write(a + i * 4 * K, "PAGE")
	expect(p:pagemap(a + i * 4 * K).exclusive)
end
expect(p:smaps(a).private_dirty == 20 * K and p:smaps(a).rss == 20 * K)
expect(c:read(a, 6) == "copied" and c:read(there, 6) == "page 4")
expect(c:pagemap(there).exclusive)

-- And by ending.
local d = p:fork()
expect(p:smaps(a).private_dirty == 0)
d:exit()
expect(p:smaps(a).private_dirty == 20 * K)
p:write(a, "alone")
expect(p:read(a, 5) == "alone")

-- The parent may be the one that goes: the child then is alone with what was shared.
d = p:fork()
p:exit()
expect(d:smaps(a).private_dirty == 20 * K)
d:write(a, "child")
expect(d:read(a, 5) == "child")
