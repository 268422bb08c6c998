-- only: model (looks at what the CPU has cached)
-- A page that was written goes to swap: no CPU reaches its frame any more.
-- Covers: P3, P4
local p = process()
p:swapon(16)
local a = p:mmap { len = PAGE }
p:store(a, 5)
p:madvise(a, PAGE, "pageout")
verify()
expect(p:load(a) == 5)
