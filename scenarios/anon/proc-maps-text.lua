-- /proc/PID/maps: a line for each mapping, in order of addresses, with as many digits as it takes
-- but at least eight. Memory without a file has neither offset, device nor inode, and only the
-- heap has a name: whatever lies in the range that brk has covered.
-- needs: 47-bit addresses
-- Covers: G1
local p = process()
expect(p:maps() == "")
local start = p:brk()
p:brk(start + 3 * PAGE)
local fixed = "private|anonymous|fixed"
p:mmap { addr = 0x10000, len = PAGE, prot = "none", flags = fixed }
p:mmap { addr = 0x123456000, len = PAGE, prot = "x", flags = fixed }
p:mmap { addr = 0x7ffff0000000, len = PAGE, prot = "rwx", flags = fixed .. "|growsdown" }
p:mmap { addr = start + PAGE, len = PAGE, prot = "r", flags = fixed }

local function line(from, pages, perms, name)
	local text = string.format("%08x-%08x %s 00000000 00:00 0 ", from, from + pages * PAGE,
		perms)
	return (name and text .. (" "):rep(73 - #text) .. name or text) .. "\n"
end
expect_eq(p:maps(), line(0x10000, 1, "---p") ..
	line(start, 1, "rw-p", "[heap]") ..
	line(start + PAGE, 1, "r--p", "[heap]") ..
	line(start + 2 * PAGE, 1, "rw-p", "[heap]") ..
	line(0x123456000, 1, "--xp") ..
	line(0x7ffff0000000, 1, "rwxp"))

-- The break goes back: what is left above it has no name any more.
p:mmap { addr = start + 3 * PAGE, len = PAGE, prot = "r", flags = fixed }
expect(p:maps(start + 3 * PAGE).name == "")
p:mprotect(start, PAGE, "none")
expect(p:maps(start).name == "[heap]")
p:brk(start)
expect_eq(p:maps(), line(0x10000, 1, "---p") ..
	line(start + 3 * PAGE, 1, "r--p") ..
	line(0x123456000, 1, "--xp") ..
	line(0x7ffff0000000, 1, "rwxp"))

-- A child's text is the same until it changes its own mappings.
local c = p:fork()
expect(c:maps() == p:maps())
c:munmap(0x10000, PAGE)
expect(c:maps() ~= p:maps())
