-- What fork shared stays as it was for each side, whatever the other writes, and a page left
-- to one side goes when that one ends.
--
--          0    4
--     p    P    S      P written by the parent after the fork
--     c    S    C      C written by the child             S as it was
-- Covers: P2, R6
local p = process()
local a = p:mmap { len = 8 * K }
p:write(a, "before")
p:write(a + 4 * K, "before")
local c = p:fork()
c:write(a + 4 * K, "child!")
p:write(a, "parent")
expect(p:read(a + 4 * K, 6) == "before")
expect(c:read(a, 6) == "before")
expect(p:read(a, 6) == "parent")
expect(c:read(a + 4 * K, 6) == "child!")
c:exit()
expect(p:read(a + 4 * K, 6) == "before")
