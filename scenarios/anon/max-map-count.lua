-- only: model (filling up to the kernel's 65530 mappings and looking at them takes a minute)
--
-- vm.max_map_count limits how many mappings a process has. mmap and brk refuse when there are more
-- than that many, so there can be one more; what would cut a mapping refuses when there are as
-- many; and a move wants room for what it might have to cut on its way. Joining always works.
-- Covers: P1
local limit = 32
machine { max_map_count = limit }
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"

local function mappings()
	return select(2, p:maps():gsub("\n", ""))
end
--          0    4    8   12
--     a    RRRWWWRRRWWW...         three pages each
local nr = 0
local function fill(upto)
	for _ = mappings() + 1, upto do
		p:mmap { addr = a + nr * 3 * PAGE, len = 3 * PAGE, flags = fixed,
			prot = nr % 2 == 0 and "r" or "rw" }
		nr = nr + 1
	end
end
local function refused(errno, name, ...)
	local before = p:layout(a, 40)
	expect_errno(errno, p[name], p, ...)
	expect_eq(p:layout(a, 40), before)
end
local function page(nr) return a + nr * PAGE end

-- A move may cut at both ends of what it takes, and with MREMAP_FIXED of what it replaces.
local to = 0x8000000
fill(limit - 6)
expect(p:mremap(page(5), PAGE, PAGE, "maymove|fixed", to) == to)
expect(mappings() == limit - 5)
refused("ENOMEM", "mremap", page(8), PAGE, PAGE, "maymove|fixed", to)
fill(limit - 3)
refused("ENOMEM", "mremap", page(6), PAGE, PAGE, "maymove|dontunmap")
refused("ENOMEM", "mremap", to, PAGE, PAGE, "maymove|fixed", to - 2 * PAGE)
p:mmap { addr = to + PAGE, len = PAGE, prot = "none", flags = fixed }
refused("ENOMEM", "mremap", to, PAGE, 2 * PAGE, "maymove")

-- One is left: a cut into two is possible, one into three is not.
fill(limit - 1)
-- Of the latter only the second fails.
expect_errno("ENOMEM", function() p:mprotect(page(10), PAGE, "none") end)
expect_eq(p:layout(page(9), 3), "w|ww")
expect(mappings() == limit)

-- As many as allowed: no more cuts, whoever asks.
refused("ENOMEM", "mprotect", page(15), PAGE, "none")
refused("ENOMEM", "munmap", page(16), PAGE)
refused("EAGAIN", "madvise", page(15), PAGE, "dontfork")
refused("ENOMEM", "mlock", page(15), PAGE)
refused("ENOMEM", "mmap", { addr = page(16), len = PAGE, prot = "x", flags = fixed })
-- One more can be had.
local start = p:brk()
expect(p:brk(start + PAGE) == start + PAGE)
expect(mappings() == limit + 1)
expect(p:brk(start + PAGE + 1) == start + PAGE)
refused("ENOMEM", "mmap", { len = PAGE })
refused("ENOMEM", "mmap", { addr = to, len = PAGE, flags = fixed })
refused("ENOMEM", "mmap", { addr = page(18), len = PAGE, flags = fixed })

-- Ends can be cut off, borders move, pages be populated; children have the same number.
p:munmap(page(17), PAGE)
p:mprotect(page(20), PAGE, "rw")
p:mremap(page(24), 3 * PAGE, 2 * PAGE)
p:madvise(page(21), 3 * PAGE, "populate_write")
expect(mappings() == limit + 1)
local c = p:fork()
expect(c:maps() == p:maps())

p:munmap(page(21), 3 * PAGE)
p:munmap(page(27), 3 * PAGE)
refused("ENOMEM", "munmap", page(31), PAGE)
p:munmap(page(24), 3 * PAGE)
expect(mappings() == limit - 1)
p:munmap(page(31), PAGE)
expect(mappings() == limit)
