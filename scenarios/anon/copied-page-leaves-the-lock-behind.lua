-- A page of a locked mapping that its owner replaces by a copy is no longer locked: to the
-- child that keeps it, it is a page like any other, which lazy freeing and the marks of use
-- apply to.
-- Covers: P2

local p = process()
local a = p:mmap{ len = PAGE, prot = "rw" }
p:mlock2(a, PAGE, "onfault")
p:write(a, "parent")
local c = p:fork()
expect(c:smaps(a).locked == 0)

p:write(a, "copied")
c:madvise(a, PAGE, "cold")
c:vm_readv(c, { { a, 6 } })
expect(c:smaps(a).referenced == PAGE)
c:vm_readv(c, { { a, 6 } })
expect(c:smaps(a).referenced == 0)

c:madvise(a, PAGE, "free")
expect(c:smaps(a).lazyfree == PAGE)
expect(c:read(a, 6) == "parent")
expect(p:read(a, 6) == "copied")
expect(p:smaps(a).locked == PAGE)
