-- RLIMIT_AS limits the size of the address space, whatever the mappings are for. What a call takes
-- away in the same breath is taken off the account first.
--
--          0    4    8   12   16
--     p    AAAAAAAABBBB····         12 of 16 pages
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 8 * PAGE, flags = fixed }
p:mmap { addr = a + 8 * PAGE, len = 4 * PAGE, prot = "none", flags = fixed .. "|noreserve" }
p:setrlimit("as", 16 * PAGE)
expect_errno("EINVAL", function() p:setrlimit(99, PAGE) end)

for _, prot in ipairs { "none", "r", "rw" } do
	for _, flags in ipairs { "", "|noreserve", "|growsdown", "|32bit" } do
		expect_errno("ENOMEM", function()
			p:mmap { len = 5 * PAGE, prot = prot, flags = "private|anonymous" .. flags }
		end)
	end
end
expect_errno("ENOMEM", function() p:mmap { len = 5 * PAGE, flags = "droppable|anonymous" } end)
local b = p:mmap { len = 4 * PAGE }
expect(p:status().vmsize == 16 * PAGE)
expect_errno("ENOMEM", function() p:mmap { len = 1 } end)

-- Growing in place and on the move.
expect_errno("ENOMEM", function() p:mremap(a + 8 * PAGE, 4 * PAGE, 5 * PAGE) end)
expect_errno("ENOMEM", function() p:mremap(b, 4 * PAGE, 5 * PAGE, "maymove") end)
expect_errno("ENOMEM", function()
	p:mremap(b, 4 * PAGE, 4 * PAGE, "maymove|dontunmap")
end)
expect(p:brk(p:brk() + PAGE) == p:brk())

-- Moving and replacing need no more than is there.
expect(p:mremap(b, 4 * PAGE, 4 * PAGE, "maymove|fixed", 0x20000000) == 0x20000000)
p:mmap { addr = a + 4 * PAGE, len = 8 * PAGE, prot = "r", flags = fixed }
expect_errno("ENOMEM", function() p:mmap { addr = a, len = 13 * PAGE, flags = fixed } end)
expect_eq(p:layout(a, 13), "wwww|rrrrrrrr.")
p:munmap(a, 4 * PAGE)
p:mremap(0x20000000, 4 * PAGE, 8 * PAGE)
expect(p:status().vmsize == 16 * PAGE)

-- A limit below what is there takes nothing away; everything that does not grow still works, and a
-- child starts with the same size and the same limit.
p:setrlimit("as", PAGE)
p:mprotect(0x20000000, PAGE, "r")
p:munmap(a + 4 * PAGE, PAGE)
local c = p:fork()
expect(c:status().vmsize == 15 * PAGE)
expect_errno("ENOMEM", function() c:mmap { len = PAGE } end)
c:setrlimit("as", "unlimited")
c:mmap { len = PAGE }
expect_errno("ENOMEM", function() p:mmap { len = PAGE } end)
