-- A pin for reading takes a page that belongs to its process alone, so that it sees what the
-- process writes later. process_vm_readv pins so.
-- Covers: N2, P2
local p = process()
local a = p:mmap { len = 4 * K }
p:write(a, "before")
local c = p:fork()
expect(p:vm_readv(p, { { a, 6 } }) == "before")
expect(p:pagemap(a).exclusive)
p:write(a, "parent")
expect(c:read(a, 6) == "before")
