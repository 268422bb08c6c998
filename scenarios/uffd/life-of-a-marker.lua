-- One marker through everything that can happen to the memory that it stands for: protected before
-- it was ever touched, made behind its back, sent to swap, brought home, forked, its neighbour
-- punched away, read; and at last a write is told.
--
--     a    r m m .        r: registered and touched, m: marker, .: not protected
--     b    the same file, not registered
-- Covers: A2, A3, B4, B6, B7, B11, B12, Z2
local p = process()
local fd = p:memfd_create("life")
p:ftruncate(fd, 4 * PAGE)
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
local b = p:mmap { len = 4 * PAGE, flags = "shared", fd = fd }
p:write(a, "r")
p:uffd_register(u, a, 4 * PAGE, "wp")
p:uffd_writeprotect(u, a, 3 * PAGE, "wp")
local function picture(q)
	local letters = {}
	for i, page in ipairs((q or p):pagemap(a, 4)) do
		letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp and "m"
			or "."
	end
	return table.concat(letters)
end
expect_eq(picture(), "Pmm.")
-- The page is made by others.
p:write(b + PAGE, "made")
p:write(b + 2 * PAGE, "next")
expect_eq(picture(), "Pmm.")
expect_eq(p:mincore(a, 4 * PAGE), "1110")
-- It goes to swap: the mapped one leaves a marker, too.
local area = p:swapon(64)
p:madvise(b, 4 * PAGE, "pageout")
p:madvise(a, 4 * PAGE, "pageout")
p:madvise(b, 4 * PAGE, "pageout")
expect_eq(picture(), "mmm.")
expect(p:smaps(a).rss == 0)
-- A child has a mapping like any other, without registration, so without markers.
local c = p:fork()
expect_eq(picture(c), "....")
expect_eq(c:read(a + PAGE, 4), "made")
c:exit()
p:swapoff(area)
expect_eq(picture(), "mmm.")
-- Next to it a hole is punched.
p:fallocate(fd, "punch_hole|keep_size", 2 * PAGE, PAGE)
expect_eq(picture(), "mmm.")
-- Read: in, and protected. Written: told.
expect_eq(p:read(a + PAGE, 4), "made")
expect_eq(picture(), "mPm.")
local t = p:thread(function() p:write(a + PAGE, "M") end)
local m = p:uffd_read(u)
expect(m.addr == a + PAGE and m.flags == "write|wp")
p:uffd_writeprotect(u, a + PAGE, PAGE, "")
t:join()
expect_eq(p:read(b + PAGE, 4), "Made")
expect_eq(picture(), "mpm.")
-- Where the hole is: zeros, protected.
expect(p:load(a + 2 * PAGE) == 0)
expect_eq(picture(), "mpP.")
-- Unmapped and mapped again at the same place there is nothing left of it.
p:munmap(a, 4 * PAGE)
a = p:mmap { addr = a, len = 4 * PAGE, flags = "shared|fixed", fd = fd }
expect_eq(picture(), "....")
p:write(a, "R")
