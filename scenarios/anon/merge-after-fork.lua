-- After a fork the child's mappings have anon_vmas of their own, linked to the parent's. A mapping
-- that has such a link is not joined with one that has not.
--
--          0    4
--     p    AAAA            written, forked, then cut and made whole
-- Covers: P1, P2
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 4 * PAGE, flags = fixed }
p:store(a, 1)
local c = p:fork()

-- In the child: cut and whole again, before and after a write.
c:mprotect(a + PAGE, PAGE, "r")
expect_eq(c:layout(a, 4), "w|r|ww")
c:mprotect(a + PAGE, PAGE, "rw")
expect_eq(c:layout(a, 4), "wwww")
c:store(a, 2)
c:mprotect(a + PAGE, PAGE, "r")
c:mprotect(a + PAGE, PAGE, "rw")
expect_eq(c:layout(a, 4), "wwww")

-- A new neighbour: joins the parent's mapping, and not the child's.
for _, process in ipairs { p, c } do
	process:mmap { addr = a + 4 * PAGE, len = 2 * PAGE, flags = fixed }
end
expect_eq(p:layout(a, 6), "wwwwww")
expect_eq(c:layout(a, 6), "wwww|ww")
-- Nor below, nor when the neighbour is written to.
for _, process in ipairs { p, c } do
	process:mmap { addr = a - 2 * PAGE, len = 2 * PAGE, prot = "r", flags = fixed }
	process:mprotect(a - 2 * PAGE, 2 * PAGE, "rw")
	process:store(a + 4 * PAGE, 3)
end
expect_eq(p:layout(a - 2 * PAGE, 8), "wwwwwwww")
expect_eq(c:layout(a - 2 * PAGE, 8), "ww|wwww|ww")

-- A mapping never touched before the fork has no links: it is as good as new in the child.
local b = 0x20000000
p:mmap { addr = b, len = 2 * PAGE, flags = fixed }
local d = p:fork()
d:mmap { addr = b + 2 * PAGE, len = 2 * PAGE, flags = fixed }
expect_eq(d:layout(b, 4), "wwww")
