-- Two processes that open the same file share its pages; what one cuts the other loses.
-- Covers: P1
local p, q = process(), process()
local a = p:open("common", "rdwr|creat|trunc")
p:pwrite(a, ("c"):rep(8 * K))
local b = q:open("common", "rdwr")
expect_eq(q:fsize(b), 8 * K)
local pm = p:mmap { len = 8 * K, flags = "shared", fd = a }
local qm = q:mmap { len = 8 * K, flags = "shared", fd = b }
p:write(pm, "from p")
expect_eq(q:read(qm, 6), "from p")
q:pwrite(b, "from q", 4 * K)
expect_eq(p:read(pm + 4 * K, 6), "from q")
q:ftruncate(b, 4 * K)
expect_signal("SIGBUS", p.load, p, pm + 4 * K)
p:close(a)
expect_eq(p:read(pm, 6), "from p")
-- Opened again with trunc it is empty for all.
p:open("common", "rdwr|trunc")
expect_signal("SIGBUS", q.load, q, qm)
local w = p:open("common", "wronly")
p:pwrite(w, "new")
expect_errno("EBADF", function() p:pread(w, 3) end)
expect_errno("EACCES", function() p:mmap { len = 4 * K, prot = "r", flags = "private", fd = w } end)
expect_eq(q:read(qm, 3), "new")
