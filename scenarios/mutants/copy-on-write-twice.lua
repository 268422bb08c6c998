-- only: model (which thread comes first differs from run to run)
-- Two threads write a page that fork shared: one copies it, the other finds it done.
-- Covers: P2, P5
local p = process()
local a = p:mmap { len = 4 * K }
p:store(a + 16, 3)
local c = p:fork()
local t = p:thread(function() p:store(a, 1) end)
local u = p:thread(function() p:store(a + 8, 2) end)
t:join()
u:join()
expect(p:load(a) == 1 and p:load(a + 8) == 2 and p:load(a + 16) == 3)
expect(c:load(a) == 0 and c:load(a + 8) == 0 and c:load(a + 16) == 3)
