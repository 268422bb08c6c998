-- A device that reads and writes a pinned page goes on seeing what the process sees, also after
-- fork: the child gets the copy.
-- Covers: P2, R3
local p = process()
local a = p:mmap { len = 4 * K }
p:write(a, "before")
local pin = p:pin(a, 4 * K)
local c = p:fork()
expect(p:pagemap(a).exclusive)
p:write(a, "parent")
expect(p:read(a, 6) == "parent")
expect(c:read(a, 6) == "before")
p:unpin(pin)
