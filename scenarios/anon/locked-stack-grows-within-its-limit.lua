-- A locked stack grows locked, and not beyond what may be locked.
--
--     16   20   24   28   32   36        S the stack as it was mapped: two locked pages
--     ·    ·    ·    ·    S    S
--     ·    ·    S    s    S    S         a store at 24: the mapping grows down to it, locked,
--                                        but s is not brought in for that
-- Covers: P1
local p = process()
local top = p:mmap { len = 40 * K }
p:munmap(top, 40 * K)
local a = p:mmap { addr = top + 32 * K, len = 8 * K,
	flags = "private|anonymous|growsdown|fixed|locked" }
expect(p:smaps(a).vmflags:find("gd") and p:smaps(a).vmflags:find("lo"))
expect(p:mincore(a, 8 * K) == "11" and p:status().vmlck == 8 * K)

p:store(top + 24 * K, 1)
expect(p:maps(a).start == top + 24 * K)
expect(p:status().vmlck == 16 * K)
expect(p:mincore(top + 24 * K, 16 * K) == "1011")
expect(p:smaps(a).locked == 12 * K)

-- Without the right to lock, growth ends at the limit: the store is refused like one that
-- meets no mapping.
p:setrlimit("memlock", 20 * K)
p:cap_ipc_lock(false)
p:store(top + 20 * K, 1)
expect(p:status().vmlck == 20 * K)
local fault = expect_signal("SIGSEGV", function() p:store(top + 16 * K, 1) end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == top + 16 * K)
expect(p:maps(a).start == top + 20 * K and p:status().vmlck == 20 * K)

-- Unlocked it may grow on.
p:munlock(a - 12 * K, 20 * K)
p:store(top + 16 * K, 1)
expect(p:maps(a).start == top + 16 * K and p:status().vmlck == 0)
