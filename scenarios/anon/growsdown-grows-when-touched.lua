-- A MAP_GROWSDOWN mapping is extended to the page of an access below it, however far below,
-- provided nothing is in the way: the way the stack of a program grows.
--
--          0        8       16
--     p    ········SS······        S: two pages that may grow down
-- Covers: P1
local p = process()
local base = 0x10000000
local s = p:mmap { addr = base + 8 * PAGE, len = 2 * PAGE,
	flags = "private|anonymous|fixed|growsdown" }
expect(p:smaps(s).vmflags == "rd wr mr mw me gd ac")

p:write(s - 1, "x")
expect_eq(p:layout(base, 12), ".......www..")
-- Only the page of the access comes into memory.
p:write(s - 5 * PAGE, "deep")
expect_eq(p:layout(base, 12), "...wwwwwww..")
expect(p:smaps(s).rss == 2 * PAGE)
-- Reading grows it, too.
expect(p:load(s - 7 * PAGE) == 0)
expect_eq(p:layout(base, 12), ".wwwwwwwww..")
expect(p:smaps(s).rss == 2 * PAGE)

-- Upwards there is nothing, and what is not reached by an instruction does not make it grow.
local fault = expect_signal("SIGSEGV", function() p:write(s + 2 * PAGE, "x") end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == s + 2 * PAGE)
local q = process()
expect_errno("EFAULT", function() q:vm_readv(p, { { base, 1 } }) end)
expect_errno("ENOMEM", function() p:madvise(base, PAGE, "populate_write") end)
expect_errno("ENOMEM", function() p:mlock(base, PAGE) end)
expect_errno("ENOMEM", function() p:mprotect(base, PAGE, "r") end)
expect_eq(p:layout(base, 12), ".wwwwwwwww..")

-- The rights are those of the mapping: a write below a read-only one grows it and is refused then.
p:mprotect(base + PAGE, 9 * PAGE, "r")
fault = expect_signal("SIGSEGV", function() p:write(base, "x") end)
expect(fault.code == "SEGV_ACCERR" and fault.addr == base)
expect_eq(p:layout(base, 12), "rrrrrrrrrr..")

-- Each part of a mapping that was cut keeps the flag and grows on its own.
p:munmap(base + 4 * PAGE, 2 * PAGE)
expect(p:load(base + 5 * PAGE) == 0)
expect_eq(p:layout(base, 12), "rrrr.rrrrr..")
p:mprotect(base + 7 * PAGE, PAGE, "rw")
p:munmap(base + 5 * PAGE, 2 * PAGE)
expect(p:smaps(base + 7 * PAGE).vmflags == "rd wr mr mw me gd ac")
p:write(base + 6 * PAGE, "x")
expect_eq(p:layout(base, 12), "rrrr..ww|rr..")

-- A child's grows like its parent's, apart from it.
local c = p:fork()
c:write(base + 5 * PAGE, "c")
expect_eq(c:layout(base, 12), "rrrr.www|rr..")
expect_eq(p:layout(base, 12), "rrrr..ww|rr..")
