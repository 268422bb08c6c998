-- MAP_POPULATE faults the pages in before mmap returns, as the protection allows: writable memory
-- gets pages of its own, readable memory the shared zero page, memory without access nothing (and
-- nobody hears of it). MAP_LOCKED does the same and locks them. MAP_NONBLOCK takes MAP_POPULATE
-- back, but not MAP_LOCKED.
-- Covers: P1
local p = process()
local base = "private|anonymous|fixed|"

--          0    4    8   12
--     a    PPP·RRR·---·LLL·NNN       rw populate, r populate, none, locked, populate|nonblock
local a = 0x10000000
local function map(page, prot, flags)
	return p:mmap { addr = a + page * PAGE, len = 3 * PAGE, prot = prot, flags = base .. flags }
end

local rw = map(0, "rw", "populate")
for _, page in ipairs(p:pagemap(rw, 3)) do
	expect(page.present and page.exclusive)
end
expect(p:smaps(rw).rss == 3 * PAGE and p:smaps(rw).private_dirty == 3 * PAGE)
expect(p:mincore(rw, 3 * PAGE) == "111")

local r = map(4, "r", "populate")
for _, page in ipairs(p:pagemap(r, 3)) do
	expect(page.present and not page.exclusive)
end
expect(p:smaps(r).rss == 0)

local none = map(8, "none", "populate")
for _, page in ipairs(p:pagemap(none, 3)) do
	expect(not page.present)
end

local locked = map(12, "rw", "locked")
expect(p:smaps(locked).locked == 3 * PAGE)
expect(p:smaps(locked).vmflags == "rd wr mr mw me lo ac")
expect(p:status().vmlck == 3 * PAGE)

local lazy = map(16, "rw", "populate|nonblock")
expect(p:smaps(lazy).rss == 0)
local both = map(20, "rw", "locked|populate|nonblock")
expect(p:smaps(both).rss == 3 * PAGE)
expect(p:status().vmlck == 6 * PAGE)

-- Memory without access is locked and counted all the same; its pages come when it is opened up,
-- because mprotect populates what it makes writable and is locked.
local shut = map(24, "none", "locked")
expect(p:smaps(shut).rss == 0)
expect(p:status().vmlck == 9 * PAGE)
p:mprotect(shut, PAGE, "r")
expect(p:smaps(shut).rss == 0)
p:mprotect(shut, 2 * PAGE, "rw")
expect(p:smaps(shut).rss == 2 * PAGE)
expect_eq(p:layout(shut, 3), "ww|-")

-- Locked memory that is replaced or unmapped is no longer counted.
p:munmap(locked, PAGE)
map(13, "r", "noreserve")
expect(p:status().vmlck == 6 * PAGE)

-- Neighbours that differ in nothing but the lock stay apart; munlock joins them.
map(28, "rw", "locked")
map(31, "rw", "nonblock")
expect_eq(p:layout(a + 28 * PAGE, 6), "www|www")
p:munlock(a + 28 * PAGE, 3 * PAGE)
expect_eq(p:layout(a + 28 * PAGE, 6), "wwwwww")
