-- fork copies the entries of swapped pages: both processes refer to the slot, and each gets the
-- data when it comes back. A write after that copies.
-- Covers: P3, B10
local p = process()
p:swapon(256)
local a = p:mmap { len = 12 * K }
for i = 0, 2 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 12 * K, "pageout")
local c = p:fork()
expect(c:smaps(a).swap == 12 * K and c:smaps(a).swappss == 6 * K)
expect(p:smaps(a).swappss == 6 * K)
p:write(a, "P")
expect_eq(c:read(a, 6), "page 0")
expect_eq(p:read(a, 6), "Page 0")
expect_eq(c:read(a + 4 * K, 6), "page 1")
c:write(a + 4 * K, "C")
expect_eq(p:read(a + 4 * K, 6), "page 1")
c:exit()
-- The last one to refer to it has it alone.
p:write(a + 8 * K, "P")
expect_eq(p:read(a + 8 * K, 6), "Page 2")
expect(p:pagemap(a + 8 * K).exclusive)
