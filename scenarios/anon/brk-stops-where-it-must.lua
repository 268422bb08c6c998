-- The heap does not grow over another mapping, nor past RLIMIT_DATA or RLIMIT_AS; a page is kept
-- free (more below a mapping that may grow down). Holes in it are nobody's business but the
-- program's.
-- Covers: P1
local p = process()
local start = p:brk()
local private, fixed = "private|anonymous", "private|anonymous|fixed"
expect(p:brk(start + 2 * PAGE) == start + 2 * PAGE)

--          0    4    8
--     p    HH···B                  B is in the way
p:mmap { addr = start + 5 * PAGE, len = PAGE, prot = "r", flags = fixed }
local function refused(addr)
	local before = p:brk()
	expect(p:brk(addr) == before)
	expect(p:brk() == before)
end
refused(start + 6 * PAGE)
refused(start + 5 * PAGE)
refused(start + 4 * PAGE + 1)
expect(p:brk(start + 4 * PAGE) == start + 4 * PAGE)
expect_eq(p:layout(start, 6), "wwww.r")
p:munmap(start + 5 * PAGE, PAGE)
expect(p:brk(start + 5 * PAGE) == start + 5 * PAGE)

-- Below a stack the whole gap stays free.
p:mmap { addr = start + 300 * PAGE, len = PAGE, flags = fixed .. "|growsdown" }
refused(start + 44 * PAGE)
expect(p:brk(start + 43 * PAGE) == start + 43 * PAGE)
p:munmap(start + 300 * PAGE, PAGE)

-- The data limit counts all private writable memory.
p:setrlimit("data", 48 * PAGE)
refused(start + 49 * PAGE)
expect(p:brk(start + 48 * PAGE) == start + 48 * PAGE)
p:setrlimit("data", "unlimited")
p:setrlimit("as", 50 * PAGE)
refused(start + 51 * PAGE)
expect(p:brk(start + 50 * PAGE) == start + 50 * PAGE)
refused(start + 64 * M)
p:setrlimit("as", "unlimited")

-- More than the machine could promise, more than there is.
refused(start + 0x400000000000)
refused(0x7ffffffff000)
refused(-1)

-- The program cut a piece out and put something else there: the break is where it was, and growing
-- only needs room behind it. Shrinking takes away whatever it meets.
p:munmap(start + 4 * PAGE, 2 * PAGE)
p:mmap { addr = start + 5 * PAGE, len = PAGE, prot = "r", flags = fixed }
expect(p:brk(start + 51 * PAGE) == start + 51 * PAGE)
expect_eq(p:layout(start, 8), "wwww.r|ww")
expect(p:brk(start + 4 * PAGE) == start + 4 * PAGE)
expect_eq(p:layout(start, 8), "wwww....")
-- With nothing mapped below the break it cannot go back, but forth.
p:munmap(start, 4 * PAGE)
refused(start + PAGE)
expect(p:brk(start + 6 * PAGE) == start + 6 * PAGE)
expect_eq(p:layout(start, 8), "....ww..")
