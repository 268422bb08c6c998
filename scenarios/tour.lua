-- A tour of anonymous memory: the life of four pages, from the mapping to the end.
--
--           0    4    8    c
--     p     A    B    ·    ·      A, B: written; ·: never touched, so there is nothing yet
-- Covers: P1
local p = process()
local a = p:mmap { len = 4 * PAGE, prot = "rw", flags = "private|anonymous" }
p:write(a, "A was here")
p:write(a + PAGE, "B was here")
print("two pages of four:", p:smaps(a).rss // K, "KiB of", p:smaps(a).size // K)

print("-- a read of what was never written shows the zero page, which costs nothing")
expect(p:read(a + 2 * PAGE, 4) == "\0\0\0\0")
expect(p:smaps(a).rss == 2 * PAGE)

print("-- fork shares every page, write-protected in both")
local c = p:fork()
expect(p:smaps(a).shared_dirty == 2 * PAGE and p:smaps(a).pss == PAGE)
c:write(a, "C was here")
expect(p:read(a, 10) == "A was here")
expect(c:pagemap(a).exclusive and not c:pagemap(a + PAGE).exclusive)

print("-- mprotect cuts the mapping in three; giving the right back joins it again")
p:mprotect(a + PAGE, PAGE, "r")
expect_eq(p:layout(a, 4), "w|r|ww")
local fault = expect_signal("SIGSEGV", function() p:write(a + PAGE, "no") end)
expect(fault.code == "SEGV_ACCERR" and fault.addr == a + PAGE)
p:mprotect(a + PAGE, PAGE, "rw")
expect_eq(p:layout(a, 4), "wwww")

print("-- when the child is gone the parent's page is its own: a write takes it without a copy")
c:exit()
p:write(a + PAGE, "B again!  ")

print("-- a guard makes a page unusable without cutting the mapping")
p:madvise(a + 3 * PAGE, PAGE, "guard_install")
expect_signal("SIGSEGV", function() p:read(a + 3 * PAGE, 1) end)
expect(p:pagemap(a + 3 * PAGE).guard)
expect_eq(p:layout(a, 4), "wwww")

print("-- mremap takes the pages along without touching them")
local b = p:mremap(a, 4 * PAGE, 4 * PAGE, "maymove|dontunmap")
expect(p:read(b + PAGE, 8) == "B again!" and p:smaps(a).rss == 0)

print("-- what is given back reads as zero")
p:madvise(b, 4 * PAGE, "dontneed")
expect(p:read(b + PAGE, 1) == "\0")
p:munmap(a, 4 * PAGE)
p:munmap(b, 4 * PAGE)
expect(p:maps() == "")
