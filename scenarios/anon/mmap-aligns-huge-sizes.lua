-- A private anonymous mapping whose length is a multiple of 2 MiB starts at a multiple of 2 MiB,
-- so that huge pages can back it, if the caller names no address: Linux looks for a gap that is
-- 2 MiB longer and cuts the aligned part out of it.
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local top = p:mmap { len = PAGE, prot = "r" } + PAGE
local huge = 2 * M

local function aligned(a) return a % huge == 0 end

--          -8M      -6M      -4M      -2M     top
--     p     ·········222222222·················A      one page of the first 2 MiB is taken
local a = p:mmap { len = huge }
expect(aligned(a))
expect(a == (top - PAGE) // huge * huge - huge)
local b = p:mmap { len = 2 * huge, prot = "none" }
expect(aligned(b) and b == a - 2 * huge)

-- What is no multiple is not aligned, and fills the gap above.
expect(p:mmap { len = huge - 2 * PAGE, prot = "none" } == top - huge + PAGE)
local c = p:mmap { len = huge + PAGE, prot = "none" }
expect(c == b - huge - PAGE and not aligned(c))

-- A hole of exactly 2 MiB, aligned, is not used again: it is not longer than what is asked for.
p:munmap(a, huge)
local d = p:mmap { len = huge, prot = "r" }
expect(d ~= a and d < c and aligned(d))
-- Naming it is the way to get it, and a name that cannot be had costs the alignment.
expect(p:mmap { addr = a, len = huge, prot = "r" } == a)
p:mmap { addr = d - PAGE, len = PAGE, prot = "none" }
local e = p:mmap { addr = a, len = huge, prot = "none" }
expect(e ~= a and not aligned(e))

-- When no gap is longer than the request, one of just its length will do.
local all = p:mmap { addr = 0x800000, len = 0x7000000000 - 0x800000, prot = "none",
	flags = "private|anonymous|fixed|noreserve" }
p:mmap { addr = 0x7000000000, len = top + 128 * M - 0x7000000000, prot = "none",
	flags = "private|anonymous|fixed|noreserve" }
p:munmap(all + 32 * M + PAGE, 16 * M)
expect(p:mmap { len = 16 * M } == all + 32 * M + PAGE)
