-- Who lacks CAP_IPC_LOCK may lock as much as RLIMIT_MEMLOCK says. A limit of zero means that the
-- right is missing (EPERM); too much for the limit, counting what is locked already, is EAGAIN.
-- Covers: P1
local p = process()
local locked = "private|anonymous|locked"
local a = p:mmap { len = 2 * PAGE, flags = locked }

p:cap_ipc_lock(false)
p:setrlimit("memlock", 4 * PAGE)
local b = p:mmap { len = 2 * PAGE, flags = locked }
expect(p:status().vmlck == 4 * PAGE)
expect_errno("EAGAIN", function() p:mmap { len = 1, flags = locked } end)
expect(p:status().vmlck == 4 * PAGE)

-- The limit is compared before an old mapping that MAP_FIXED replaces is taken off.
expect_errno("EAGAIN", function()
	p:mmap { addr = b, len = PAGE, flags = locked .. "|fixed" }
end)
-- Memory that would be refused is still there.
expect_eq(p:layout(b, 4), "wwww")
p:munmap(b, PAGE)
p:mmap { addr = b, len = PAGE, flags = locked .. "|fixed" }

-- Growing a locked mapping asks the same question.
p:munmap(b, PAGE)
expect_errno("EAGAIN", function() p:mremap(a, 2 * PAGE, 4 * PAGE, "maymove") end)
a = p:mremap(a, 2 * PAGE, 3 * PAGE, "maymove")
expect(p:status().vmlck == 4 * PAGE)

p:setrlimit("memlock", 0)
expect_errno("EPERM", function() p:mmap { len = PAGE, flags = locked } end)
expect_errno("EAGAIN", function() p:mremap(a, 3 * PAGE, 4 * PAGE, "maymove") end)
-- What is wrong with the length comes first, what is wrong with the kind comes after.
expect_errno("EINVAL", function() p:mmap { len = 0, flags = locked } end)
expect_errno("EPERM", function() p:mmap { len = PAGE, flags = "anonymous|locked" } end)

p:cap_ipc_lock(true)
expect(p:mmap { len = 16 * PAGE, flags = locked } ~= 0)
