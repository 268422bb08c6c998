-- A page that is in memory and in a slot takes its slot along.
-- only: model (two nodes)
-- Covers: P3
machine { nodes = 2, ram = 16 * M, cpus = 2, page_cluster = 0 }
local p = process()
p:swapon(64)
local a = p:mmap { len = 2 * PAGE }
p:write(a, "cached")
p:madvise(a, 2 * PAGE, "pageout")
local c = p:fork()
expect_eq(p:read(a, 6), "cached")
expect(p:model_page(a).swapcache)
local node = p:move_pages(a, 1)[1]
expect_eq(p:move_pages(a, 1, 1 - node, "move")[1], 1 - node)
expect_eq(c:read(a, 6), "cached")
expect_eq(c:move_pages(a, 1)[1], 1 - node)
expect_eq(p:move_pages(a + PAGE, 1, 0, "move")[1], "ENOENT")
