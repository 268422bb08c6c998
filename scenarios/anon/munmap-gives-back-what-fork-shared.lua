-- A page that parent and child share belongs to the one that is left when the other unmaps it: it
-- counts as private again and the next write needs no copy.
--
--          0    4
--     p    AAAA             4 pages, written before the fork
--     c    AA··             c unmaps two, p unmaps one
-- Covers: P1, P2
local p = process()
local a = p:mmap { len = 4 * PAGE }
for page = 0, 3 do
	p:store(a + page * PAGE, 10 + page)
end
local c = p:fork()
expect(p:smaps(a).shared_dirty == 4 * PAGE)

c:munmap(a + 2 * PAGE, 2 * PAGE)
expect(p:smaps(a).shared_dirty == 2 * PAGE and p:smaps(a).private_dirty == 2 * PAGE)
expect(p:smaps(a).pss == 3 * PAGE)
expect(not p:pagemap(a + PAGE).exclusive and p:pagemap(a + 2 * PAGE).exclusive)
expect(p:fetch_add(a + 2 * PAGE, 1) == 12)
expect(p:smaps(a).rss == 4 * PAGE)

p:munmap(a + PAGE, PAGE)
expect(c:load(a + PAGE) == 11)
expect(c:smaps(a).private_dirty == PAGE and c:smaps(a).shared_dirty == PAGE)
expect(c:pagemap(a + PAGE).exclusive)
c:store(a + PAGE, 99)
expect_signal("SIGSEGV", function() p:load(a + PAGE) end)

p:exit()
expect(c:load(a) == 10)
expect(c:smaps(a).private_dirty == 2 * PAGE)
