-- Calls on large ranges of which only a few pages are there reach each of them and nothing else,
-- however the tables of the range are filled: here ten pages at the borders of tables of every
-- level in 520 GiB.
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local a = 0x10000000000 - 4 * G
local size = 520 * G
local places = { 0, 2 * M - PAGE, 2 * M, G - PAGE, G, 4 * G - PAGE, 4 * G, 516 * G - PAGE, 516 * G,
	size - PAGE }
p:mmap { addr = a, len = size, flags = "private|anonymous|fixed|noreserve" }
for i, at in ipairs(places) do
	p:store(a + at, i)
end
local function expect_pages(process, nr)
	expect_eq(process:smaps(a).rss, nr * PAGE)
	expect_eq(process:status().vmrss, nr * PAGE)
end
expect_pages(p, #places)

-- fork shares them, mprotect reaches them in one of the two.
local c = p:fork()
expect(p:smaps(a).shared_dirty == #places * PAGE)
c:mprotect(a, size, "r")
for i, at in ipairs(places) do
	expect(c:load(a + at) == i)
	expect_signal("SIGSEGV", function() c:store(a + at, 0) end)
	p:store(a + at, i + 100)
	expect(c:load(a + at) == i)
end

-- Some are dropped, some unmapped; the neighbours stay.
c:madvise(a + 2 * M, G - 2 * M, "dontneed")
expect_pages(c, #places - 2)
expect(c:load(a + 2 * M - PAGE) == 2 and c:load(a + 2 * M) == 0 and c:load(a + G) == 5)
c:munmap(a + 4 * G - PAGE, 512 * G)
expect(c:load(a + 516 * G) == 9)
for _, at in ipairs { 4 * G - PAGE, 4 * G, 516 * G - 2 * PAGE } do
	expect(expect_signal("SIGSEGV", function() c:load(a + at) end).code == "SEGV_MAPERR")
end
expect_eq(c:layout(a + 516 * G - 2 * PAGE, 3), ".rr")
expect(c:status().vmrss == (#places - 4) * PAGE)

c:exit()
expect(p:smaps(a).private_dirty == #places * PAGE)
p:munmap(a, size)
expect(p:status().vmrss == 0)
