-- Pages move between nodes with their contents; entries, caches and children follow.
-- only: model (two nodes)
-- Covers: P1, A1
machine { nodes = 2, ram = 16 * M, cpus = 2 }
local p = process()
local a = p:mmap { len = 8 * PAGE }
for i = 0, 7 do
	p:write(a + i * PAGE, "page " .. i)
end
local node = p:move_pages(a, 1)[1]
local other = 1 - node
local frame = p:model_page(a).pfn
expect_eq(p:move_pages(a, 1, other, "move")[1], other)
expect(p:model_page(a).pfn ~= frame)
expect_eq(p:read(a, 6), "page 0")
expect(p:pagemap(a).exclusive and p:model_page(a).anon_exclusive)
-- Mapped by two processes: only with the right to move what is others' too.
local c = p:fork()
expect_eq(p:move_pages(a + PAGE, 1, other, "move")[1], "EACCES")
expect_eq(p:move_pages(a + PAGE, 1, other, "move_all")[1], other)
expect_eq(c:move_pages(a + PAGE, 1)[1], other)
expect_eq(c:read(a + PAGE, 6), "page 1")
c:write(a + PAGE, "C")
expect_eq(p:read(a + PAGE, 6), "page 1")
-- Shared memory, with its place in the page cache.
local fd = p:memfd_create("moved")
p:ftruncate(fd, 4 * PAGE)
local s = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
p:write(s, "shared")
expect_eq(p:move_pages(s, 1, other, "move")[1], other)
expect_eq(p:pread(fd, 6), "shared")
-- Locked pages move, pinned ones do not.
p:mlock(a + 2 * PAGE, PAGE)
expect_eq(c:exit(), nil)
expect_eq(p:move_pages(a + 2 * PAGE, 1, other, "move")[1], other)
expect(p:model_page(a + 2 * PAGE).mlocked)
local pin = p:pin(a + 3 * PAGE, PAGE)
expect_eq(select(2, p:move_pages(a + 3 * PAGE, 1, other, "move")), 1)
p:unpin(pin)
expect_eq(p:move_pages(a + 3 * PAGE, 1, other, "move")[1], other)
expect(counters().pgmigrate_success >= 5 and counters().pgmigrate_fail >= 1)
