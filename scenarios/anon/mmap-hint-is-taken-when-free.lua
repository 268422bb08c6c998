-- An address without MAP_FIXED is a wish. It is rounded down to a page and granted if the whole
-- range is free; otherwise the call goes on as if none had been given.
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local a = 0x10000000
local top = p:mmap { len = PAGE, prot = "r" } + PAGE

expect(p:mmap { addr = a, len = 4 * PAGE } == a)
expect(p:mmap { addr = a + 5 * PAGE + 123, len = PAGE } == a + 5 * PAGE)
expect_eq(p:layout(a - PAGE, 8), ".wwww.w.")

-- Taken, in part or as a whole: the search from the top decides, nothing is overwritten.
p:write(a, "mine")
expect(p:mmap { addr = a, len = PAGE, prot = "none" } == top - 2 * PAGE)
expect(p:mmap { addr = a + 4 * PAGE, len = 2 * PAGE } == top - 4 * PAGE)
expect(p:mmap { addr = a - PAGE, len = 2 * PAGE, prot = "none" } == top - 6 * PAGE)
expect(p:read(a, 4) == "mine")

-- The gap of one page is long enough for a page.
expect(p:mmap { addr = a + 4 * PAGE, len = PAGE } == a + 4 * PAGE)
expect_eq(p:layout(a - PAGE, 8), ".wwwwww.")

-- A hint in the first page is none. One that would reach past the end of user space is dropped.
expect(p:mmap { addr = 0xfff, len = PAGE, prot = "r" } == top - 7 * PAGE)
for _, hint in ipairs { 0x7fffffffe000, 0x7fffffffffff, 0xffff800000000000, -PAGE } do
	local b = p:mmap { addr = hint, len = 2 * PAGE }
	expect(b == top - 9 * PAGE)
	p:munmap(b, 2 * PAGE)
end
expect(p:mmap { addr = 0x7fffffffe000, len = PAGE } == 0x7fffffffe000)

-- Below a mapping that may grow downwards a gap is kept free, 256 pages of it. A hint that would
-- reach into the gap is not granted.
local stack = p:mmap { addr = 0x20000000, len = PAGE,
	flags = "private|anonymous|growsdown" }
expect(p:mmap { addr = stack - 256 * PAGE, len = PAGE } == top - 8 * PAGE)
expect(p:mmap { addr = stack - 257 * PAGE, len = PAGE } == stack - 257 * PAGE)
