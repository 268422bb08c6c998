-- only: model (io_uring, by which a pin is made on the kernel, counts its own memory with it)
-- Pinned pages count against the memlock limit of whoever pins them, together with those of all
-- other processes of the same user, unless the process may lock what it likes. The pages are
-- looked for first, so a hole is told before the limit is.

local p = process()
local a = p:mmap{ len = 8*PAGE, prot = "rw" }
p:cap_ipc_lock(false)
p:setrlimit("memlock", 4*PAGE)

expect_errno("ENOMEM", function() p:pin(a, 5*PAGE) end)
expect_errno("EFAULT", function() p:pin(a, 9*PAGE) end)
local first = p:pin(a, 3*PAGE)
expect_errno("ENOMEM", function() p:pin(a + 4*PAGE, 2*PAGE) end)
expect(p:status().vmpin == nil or p:status().vmpin == 3*PAGE)

-- A child has the same limit, and what its parent has pinned is in it.
local c = p:fork()
expect_errno("ENOMEM", function() c:pin(a, 2*PAGE) end)
local second = c:pin(a, PAGE)
expect_errno("ENOMEM", function() p:pin(a, PAGE) end)
c:unpin(second)
p:unpin(first)
p:pin(a, 4*PAGE)

-- The same page twice counts twice; with the right to lock nothing counts.
p:cap_ipc_lock(true)
p:pin(a, 8*PAGE)
c:exit()
