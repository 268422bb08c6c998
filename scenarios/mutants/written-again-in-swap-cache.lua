-- A page that came back from swap, and still has its slot, is written again: what is in the slot
-- is old, and only the entry knows.
-- Covers: P3
local p = process()
p:swapon(64)
local a = p:mmap { len = PAGE }
p:store(a, 1)
p:madvise(a, PAGE, "pageout")
expect(p:load(a) == 1)
p:store(a, 2)
p:madvise(a, PAGE, "pageout")
expect(p:load(a) == 2)
