-- RLIMIT_DATA limits private writable memory that is no stack. Memory does not count while it
-- cannot be written, but making it writable asks for the limit.
-- Covers: P1
local p = process()
p:setrlimit("data", 8 * PAGE)
local a = p:mmap { len = 6 * PAGE }
expect(p:status().vmdata == 6 * PAGE)
expect_errno("ENOMEM", function() p:mmap { len = 3 * PAGE } end)
expect_errno("ENOMEM", function() p:mmap { len = 3 * PAGE, flags = "droppable|anonymous" } end)
expect_errno("ENOMEM", function() p:mmap { len = 3 * PAGE, prot = "wx" } end)

-- These are no data: read-only, executable, without access; and a stack is counted apart.
local r = p:mmap { len = 8 * PAGE, prot = "r" }
p:mmap { len = 8 * PAGE, prot = "rx" }
local none = p:mmap { len = 8 * PAGE, prot = "none" }
local s = p:mmap { addr = 0x10000000, len = 8 * PAGE,
	flags = "private|anonymous|fixed|growsdown" }
expect(p:status().vmdata == 6 * PAGE and p:status().vmstk == 8 * PAGE)
p:store(s - PAGE, 1)
expect(p:status().vmstk == 9 * PAGE)

-- mprotect: two pages more are possible, three are not, and nothing changes then.
for _, addr in ipairs { r, none } do
	expect_errno("ENOMEM", function() p:mprotect(addr, 3 * PAGE, "rw") end)
	expect_eq(p:maps(addr).stop - p:maps(addr).start, 8 * PAGE)
	p:mprotect(addr, 2 * PAGE, "rw")
	expect(p:status().vmdata == 8 * PAGE)
	p:mprotect(addr, 2 * PAGE, "r")
	expect(p:status().vmdata == 6 * PAGE)
	p:mprotect(addr, 2 * PAGE, p:maps(addr + 2 * PAGE).perms == "---p" and "none" or "r")
end

-- mremap and brk ask for it, too.
expect_errno("ENOMEM", function() p:mremap(a, 6 * PAGE, 9 * PAGE, "maymove") end)
a = p:mremap(a, 6 * PAGE, 7 * PAGE, "maymove")
local start = p:brk()
expect(p:brk(start + 2 * PAGE) == start)
expect(p:brk(start + PAGE) == start + PAGE)
expect(p:status().vmdata == 8 * PAGE)

-- A copy to a place of its own (the pages move, the mapping stays) is more data.
expect_errno("ENOMEM", function() p:mremap(a, 7 * PAGE, 7 * PAGE, "maymove|dontunmap") end)
-- Replacing data by data is not.
p:mmap { addr = a, len = 7 * PAGE, flags = "private|anonymous|fixed" }
expect(p:status().vmdata == 8 * PAGE)
