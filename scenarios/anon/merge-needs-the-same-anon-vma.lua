-- Neighbours that are alike are one mapping. What they must have in common is more than rights and
-- flags: pages that are already there know their place through the anon_vma of their mapping, so
-- two neighbours that have each got one of their own stay apart for good.
--
--          0    4
--     a    AABB            both written before they become alike
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
local function map(page, pages, prot)
	return p:mmap { addr = a + page * PAGE, len = pages * PAGE, prot = prot, flags = fixed }
end
local function touch(...)
	for _, page in ipairs { ... } do
		p:store(a + page * PAGE, page)
	end
end

-- Untouched, or touched on one side: one mapping.
map(0, 2, "rw")
map(2, 2, "rw")
expect_eq(p:layout(a, 4), "wwww")
touch(0)
map(4, 2, "rw")
expect_eq(p:layout(a, 6), "wwwwww")
p:munmap(a, 6 * PAGE)

-- A page of zeros only is read; it needs no anon_vma.
map(0, 2, "rw")
map(2, 2, "r")
touch(0)
expect(p:load(a + 2 * PAGE) == 0)
p:mprotect(a + 2 * PAGE, 2 * PAGE, "rw")
expect_eq(p:layout(a, 4), "wwww")
p:munmap(a, 4 * PAGE)

-- Written on both sides while they were apart by a hole: apart they stay.
map(0, 2, "rw")
map(3, 2, "rw")
touch(0, 3)
map(2, 1, "rw")
expect_eq(p:layout(a, 5), "www|ww")
p:mprotect(a, 5 * PAGE, "r")
expect_eq(p:layout(a, 5), "rrr|rr")
-- Even when the pages are gone again.
p:madvise(a, 5 * PAGE, "dontneed")
expect_eq(p:layout(a, 5), "rrr|rr")
p:munmap(a, 5 * PAGE)

-- Parts of one mapping share its anon_vma, so they join again whatever was written.
map(0, 6, "rw")
touch(0)
p:mprotect(a + 2 * PAGE, 2 * PAGE, "r")
touch(1, 5)
expect_eq(p:layout(a, 6), "ww|rr|ww")
p:mprotect(a + 2 * PAGE, 2 * PAGE, "rw")
expect_eq(p:layout(a, 6), "wwwwww")
p:munmap(a, 6 * PAGE)

-- Neighbours that could be joined but for their rights share one from the first write on.
map(0, 2, "rw")
map(2, 2, "rwx")
touch(0, 2)
expect_eq(p:layout(a, 4), "ww|XX")
p:mprotect(a, 4 * PAGE, "rw")
expect_eq(p:layout(a, 4), "wwww")
-- Not so if more than the rights differs.
p:munmap(a, 4 * PAGE)
map(0, 2, "rw")
map(2, 2, "rw")
p:madvise(a + 2 * PAGE, 2 * PAGE, "dontfork")
touch(0, 2)
p:madvise(a + 2 * PAGE, 2 * PAGE, "dofork")
expect_eq(p:layout(a, 4), "ww|ww")
