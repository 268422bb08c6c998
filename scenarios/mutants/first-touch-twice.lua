-- only: model (which thread comes first differs from run to run)
-- Two threads write a page for the first time, each its own word: both words are there.
-- Covers: P2
local p = process()
local a = p:mmap { len = 4 * K }
local t = p:thread(function() p:store(a, 1) end)
local u = p:thread(function() p:store(a + 8, 2) end)
t:join()
u:join()
expect(p:load(a) == 1 and p:load(a + 8) == 2, p:load(a) .. " and " .. p:load(a + 8))
