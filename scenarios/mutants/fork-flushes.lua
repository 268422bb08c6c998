-- A page that was being written goes on being written after fork: the writer must notice that
-- it is shared, though its CPU knew the page as writable.
-- Covers: P2
local p = process()
local a = p:mmap { len = 4 * K }
p:store(a, 1)
p:store(a, 2)
local c = p:fork()
p:store(a, 3)
expect(c:load(a) == 2)
expect(p:load(a) == 3)
