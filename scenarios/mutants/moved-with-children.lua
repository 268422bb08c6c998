-- only: model (two nodes)
-- A page that a child maps too moves: both have it in its new frame.
-- Covers: P1, P2
machine { nodes = 2, ram = 1 * M, cpus = 2 }
local p = process()
local a = p:mmap { len = PAGE }
p:store(a, 5)
local c = p:fork()
local other = 1 - p:move_pages(a, 1)[1]
expect(select(2, p:move_pages(a, 1, other, "move_all")) == 0)
expect(p:model_page(a).pfn == c:model_page(a).pfn)
