-- What brk adds is locked and populated when mlockall said so for the future; without the right to
-- lock as much, the break stays.
-- Covers: P1
local p = process()
local start = p:brk()
p:brk(start + 2 * PAGE)
p:mlockall("future")
expect(p:smaps(start).rss == 0 and p:status().vmlck == 0)
p:brk(start + 4 * PAGE)
expect_eq(p:layout(start, 5), "ww|ww.")
expect(p:smaps(start + 2 * PAGE).rss == 2 * PAGE)
expect(p:status().vmlck == 2 * PAGE)

p:cap_ipc_lock(false)
p:setrlimit("memlock", 3 * PAGE)
expect(p:brk(start + 6 * PAGE) == start + 4 * PAGE)
expect(p:brk(start + 5 * PAGE) == start + 5 * PAGE)
expect(p:status().vmlck == 3 * PAGE)
expect_eq(p:layout(start, 6), "ww|www.")

-- Locked all along, with pages as they are touched.
p:cap_ipc_lock(true)
p:mlockall("current|future|onfault")
p:brk(start + 8 * PAGE)
expect(p:smaps(start + 7 * PAGE).vmflags == "rd wr mr mw me lo lf ac")
expect(p:smaps(start + 7 * PAGE).rss == 3 * PAGE)
p:munlockall()
expect_eq(p:layout(start, 9), "wwwwwwww.")
p:brk(start + 9 * PAGE)
expect(p:status().vmlck == 0)
