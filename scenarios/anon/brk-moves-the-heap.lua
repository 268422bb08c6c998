-- brk gives the break of the heap as it is after the call: moved as asked, or unmoved if that
-- cannot be. The break itself may be anywhere in a page; mapped are whole pages.
--
--          start
--     p    HHH·
-- Covers: P1
local p = process()
local start = p:brk()
expect(p:brk(0) == start and p:maps() == "")

expect(p:brk(start + 1) == start + 1)
expect_eq(p:layout(start, 2), "w.")
expect(p:maps(start).name == "[heap]")
expect(p:smaps(start).vmflags == "rd wr mr mw me ac")
p:write(start, "heap")
expect(p:brk(start + PAGE) == start + PAGE)
expect_eq(p:layout(start, 2), "w.")
expect(p:brk(start + 3 * PAGE) == start + 3 * PAGE)
p:store(start + 2 * PAGE, 7)
expect_eq(p:layout(start, 4), "www.")
expect(p:smaps(start).rss == 2 * PAGE)

-- Back within the page, then by pages: what is cut off is gone, and zero when it comes again.
expect(p:brk(start + 2 * PAGE + 1) == start + 2 * PAGE + 1)
expect(p:load(start + 2 * PAGE) == 7)
expect(p:brk(start + 2 * PAGE) == start + 2 * PAGE)
expect_signal("SIGSEGV", function() p:load(start + 2 * PAGE) end)
expect(p:brk(start + 4 * PAGE) == start + 4 * PAGE)
expect(p:load(start + 2 * PAGE) == 0 and p:read(start, 4) == "heap")

-- Below the start there is no heap; the break stays.
expect(p:brk(start - 1) == start + 4 * PAGE)
expect(p:brk(start) == start)
expect(p:maps() == "")

-- A child's break moves on its own. (Its heap has the parent's pages, which keeps what it adds
-- apart: see merge-after-fork.)
p:brk(start + PAGE)
p:write(start, "parent")
local c = p:fork()
expect(c:brk() == start + PAGE and c:read(start, 6) == "parent")
c:brk(start + 2 * PAGE)
expect(p:brk() == start + PAGE)
expect_eq(c:layout(start, 3), "w|w.")
expect_eq(p:layout(start, 3), "w..")
