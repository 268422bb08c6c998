-- What an access that cannot be served is told: the signal, its code and the address.
--
-- SEGV_MAPERR: no mapping there. SEGV_ACCERR: a mapping that forbids it. Addresses of the
-- kernel's half have no mapping of ours either; addresses that are not canonical do not reach
-- the page tables at all: the processor refuses them, with no address to tell.
--
--     0    4    8   12   16   20        · nothing   - no access   r read   w read, write
--     w    r    -    x    ·             x read, execute
-- needs: 47-bit addresses
-- Covers: P5
local p = process()
local a = p:mmap { len = 20 * K }
p:mprotect(a + 4 * K, 4 * K, "r")
p:mprotect(a + 8 * K, 4 * K, "none")
p:mprotect(a + 12 * K, 4 * K, "rx")
p:munmap(a + 16 * K, 4 * K)
expect(p:layout(a, 5) == "w|r|-|x.")

local reading = {
	load = function(at) p:load(at) end,
	read = function(at) p:read(at, 16) end,
}
local writing = {
	store = function(at) p:store(at, 1) end,
	write = function(at) p:write(at, "bytes") end,
	xchg = function(at) p:xchg(at, 1) end,
	fetch_add = function(at) p:fetch_add(at, 1) end,
	cmpxchg = function(at) p:cmpxchg(at, 0, 0) end,
}
local fetching = { exec = function(at) p:exec(at) end }

local function refused(accesses, at, code)
	for name, access in pairs(accesses) do
		local fault = expect_signal("SIGSEGV", access, at)
		expect_eq(fault.code, code, name)
		expect_eq(fault.addr, code == "SI_KERNEL" and 0 or at, name)
	end
end
local function allowed(accesses, at)
	for _, access in pairs(accesses) do
		access(at)
	end
end

allowed(reading, a + 8)
allowed(writing, a + 8)
refused(fetching, a + 8, "SEGV_ACCERR")

allowed(reading, a + 4 * K)
refused(writing, a + 4 * K + 8, "SEGV_ACCERR")
refused(fetching, a + 4 * K, "SEGV_ACCERR")

for _, accesses in ipairs { reading, writing, fetching } do
	refused(accesses, a + 8 * K + 8, "SEGV_ACCERR")
	refused(accesses, a + 16 * K + 8, "SEGV_MAPERR")
	refused(accesses, 0, "SEGV_MAPERR")
	refused(accesses, 0x10, "SEGV_MAPERR")
	refused(accesses, 0xffff800000000000, "SEGV_MAPERR")
	refused(accesses, 0xffffffff81000000, "SEGV_MAPERR")
	refused(accesses, 0x800000000000, "SI_KERNEL")
	refused(accesses, 0x8000000000000000, "SI_KERNEL")
	refused(accesses, 0xffff7ffffffff000, "SI_KERNEL")
end
-- The last page of the user's half can never be mapped.
refused(reading, 0x7ffffffff000, "SEGV_MAPERR")

allowed(fetching, a + 12 * K)
allowed(reading, a + 12 * K)
refused(writing, a + 12 * K, "SEGV_ACCERR")

-- A refused access leaves nothing behind.
expect(p:mincore(a, 16 * K) == "1101")
expect(p:smaps(a + 8 * K).rss == 0)
