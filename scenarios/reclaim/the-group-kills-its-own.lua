-- A group that cannot take back enough loses a process, the largest; the others go on.
-- only: model (the kernel's groups are the machine's)
-- Covers: P4
machine { ram = 64 * M, cpus = 2 }
local p = process()
local g = group(100 * PAGE)
p:join_group(g)
local small, big = p:fork(), p:fork()
local s = small:mmap { len = 20 * PAGE }
small:write(s, ("s"):rep(20 * PAGE))
local b = big:mmap { len = 200 * PAGE }
local _, signal = big:try("write", b, ("b"):rep(200 * PAGE))
expect_eq(signal, "SIGKILL")
expect_eq(small:read(s, 1), "s")
small:write(s + 19 * PAGE, "alive")
