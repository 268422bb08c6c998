-- Without CAP_IPC_LOCK a process may lock as much as RLIMIT_MEMLOCK says, and nothing at all
-- when that is zero.
--
-- The limit counts what is locked, not what is resident; a page that is locked already does
-- not count again.
-- Covers: P1
local p = process()
local a = p:mmap { len = 64 * K }
p:setrlimit("memlock", 0)
-- With the capability there is no limit.
p:mlock(a, 64 * K)
p:munlock(a, 64 * K)

p:cap_ipc_lock(false)
expect_errno("EPERM", function() p:mlock(a, 4 * K) end)
expect_errno("EPERM", function() p:mlock(a, 0) end)
expect_errno("EPERM", function() p:mlock2(a, 4 * K, "onfault") end)
expect_errno("EPERM", function() p:mlockall("current") end)
expect_errno("EPERM", function() p:mlockall("future") end)
expect_errno("EPERM", function() p:mmap { len = 4 * K, flags = "private|anonymous|locked" } end)
-- What has no right to lock may unlock.
p:munlock(a, 64 * K)
p:munlockall()
-- What is wrong in itself is refused first.
expect_errno("EINVAL", function() p:mlock2(a, 4 * K, 2) end)
expect_errno("EINVAL", function() p:mlockall(8) end)

p:setrlimit("memlock", 16 * K)
p:mlock(a, 16 * K)
expect_errno("ENOMEM", function() p:mlock(a + 16 * K, 4 * K) end)
expect_errno("ENOMEM", function() p:mlock(a, 20 * K) end)
expect_errno("ENOMEM", function() p:mlock2(a + 16 * K, 4 * K, "onfault") end)
-- Again, or partly again, is free.
p:mlock(a, 16 * K)
p:mlock2(a + 4 * K, 8 * K, "onfault")
p:munlock(a + 8 * K, 8 * K)
p:mlock(a + 4 * K, 12 * K)
expect(p:status().vmlck == 16 * K)
expect_errno("ENOMEM", function() p:mlock(a + 4 * K, 16 * K) end)

-- mmap and mremap: EAGAIN.
expect_errno("EAGAIN", function() p:mmap { len = 4 * K, flags = "private|anonymous|locked" } end)
expect_errno("EAGAIN", function() p:mremap(a, 4 * K, 8 * K, "maymove") end)
-- Moving without growing needs no more; growing what is not locked neither.
local moved = p:mremap(a, 4 * K, 4 * K, "maymove|fixed", a - 1 * M)
expect(p:status().vmlck == 16 * K)
p:mremap(a + 60 * K, 4 * K, 8 * K, "maymove")
expect(p:status().vmlck == 16 * K)

-- Room again: a part of the lock given back.
p:munlock(moved, 4 * K)
local m = p:mmap { len = 4 * K, flags = "private|anonymous|locked" }
expect(p:mincore(m, 4 * K) == "1")
expect(p:status().vmlck == 16 * K)

-- A lower limit takes nothing back.
p:setrlimit("memlock", 4 * K)
expect(p:status().vmlck == 16 * K)
expect_errno("ENOMEM", function() p:mlock(a + 32 * K, 4 * K) end)
p:setrlimit("memlock", 1 * M)
p:mlock(a + 4 * K, 56 * K)
p:munlockall()

-- Everything: the whole address space must fit. The wish for the future fails later: new
-- mappings, the heap and growing get nothing.
local whole = p:status().vmsize
p:setrlimit("memlock", 8 * K)
expect_errno("ENOMEM", function() p:mlockall("current") end)
expect_errno("ENOMEM", function() p:mlockall("current|future") end)
p:mlockall("future")
expect(p:status().vmlck == 0)
p:mmap { len = 8 * K }
expect_errno("EAGAIN", function() p:mmap { len = 4 * K } end)
expect_errno("EAGAIN", function() p:mmap { len = 4 * K, prot = "none" } end)
local start = p:brk()
expect(p:brk(start + 4 * K) == start)
p:munlockall()
expect(p:brk(start + 4 * K) == start + 4 * K)
