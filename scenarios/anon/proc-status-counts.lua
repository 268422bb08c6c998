-- The memory lines of /proc/PID/status: what is mapped, by kind, what is there, and what is locked.
--
--     VmSize  everything mapped
--     VmData  private, writable, no stack        VmStk   what may grow down
--     VmRSS   pages that are there               RssAnon the anonymous ones: all of them here
--     VmLck   mapped memory that is locked       VmPin   memory pinned by devices
-- Covers: G1
local p = process()
local function status(size, data, stack, rss, locked)
	local s = p:status()
	expect_eq(s.vmsize, size * PAGE, "VmSize")
	expect_eq(s.vmdata, data * PAGE, "VmData")
	expect_eq(s.vmstk, stack * PAGE, "VmStk")
	expect_eq(s.vmrss, rss * PAGE, "VmRSS")
	expect_eq(s.rssanon, rss * PAGE, "RssAnon")
	expect_eq(s.vmlck, locked * PAGE, "VmLck")
	expect_eq(s.vmswap, 0, "VmSwap")
end
status(0, 0, 0, 0, 0)
local a = p:mmap { len = 8 * PAGE }
status(8, 8, 0, 0, 0)
p:write(a, ("x"):rep(3 * PAGE))
status(8, 8, 0, 3, 0)
p:load(a + 4 * PAGE)
status(8, 8, 0, 3, 0)
p:mprotect(a, 2 * PAGE, "r")
status(8, 6, 0, 3, 0)
p:mmap { len = 4 * PAGE, prot = "rx" }
status(12, 6, 0, 3, 0)
local s = p:mmap { addr = 0x10000000, len = 2 * PAGE, flags = "private|anonymous|fixed|growsdown" }
p:store(s - PAGE, 1)
status(15, 6, 3, 4, 0)
p:mlock(a, 4 * PAGE)
status(15, 6, 3, 5, 4)
local start = p:brk()
p:brk(start + 2 * PAGE)
status(17, 8, 3, 5, 4)
p:madvise(a + 2 * PAGE, 4 * PAGE, "dontneed_locked")
status(17, 8, 3, 3, 4)

-- A pin counts its pages, and brings them.
expect(p:status().vmpin == 0)
local pin = p:pin(a + 4 * PAGE, 2 * PAGE)
expect(p:status().vmpin == 2 * PAGE)
status(17, 8, 3, 5, 4)
p:unpin(pin)
expect(p:status().vmpin == 0)
p:madvise(a + 4 * PAGE, 2 * PAGE, "dontneed")
status(17, 8, 3, 3, 4)

-- A child has the pages, none of the locks, and of its own only what it writes.
local c = p:fork()
expect(c:status().vmlck == 0 and c:status().vmrss == 3 * PAGE)
c:store(a + 4 * PAGE, 1)
expect(c:status().vmrss == 4 * PAGE)
status(17, 8, 3, 3, 4)

p:munmap(a + 2 * PAGE, 4 * PAGE)
status(13, 4, 3, 3, 2)
p:exit()
expect(c:status().vmsize == 17 * PAGE)
