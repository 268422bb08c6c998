-- An unaligned load or store may touch two pages; both must allow it, or neither changes.
--
-- The processor checks both pages before it stores a byte. The address in the signal is the
-- first byte that could not be served: the access's own, or the start of the second page.
-- A copy of a block goes byte by byte and keeps what it has done before the fault.
--
--     0    4    8   12   16
--     w    w    r    ·
-- Covers: P5
local p = process()
local a = p:mmap { len = 16 * K }
p:mprotect(a + 8 * K, 4 * K, "r")
p:munmap(a + 12 * K, 4 * K)

for _, size in ipairs { 2, 4, 8 } do
	for before = 1, size - 1 do
		local at = a + 4 * K - before
		local value = 0x1122334455667788 & (size == 8 and -1 or (1 << size * 8) - 1)
		p:store(at, value, size)
		expect(p:load(at, size) == value)
		expect(p:load(a + 4 * K, 1) == value >> before * 8 & 0xff)
		expect(p:load(a + 4 * K - 1, 1) == value >> before * 8 - 8 & 0xff)

		-- A store across the border of what may be written writes neither side.
		at = a + 8 * K - before
		local fault = expect_signal("SIGSEGV", function() p:store(at, -1, size) end)
		expect(fault.code == "SEGV_ACCERR" and fault.addr == a + 8 * K)
		expect(p:load(at, size) == 0)

		-- And a load across the end of the mapping.
		at = a + 12 * K - before
		fault = expect_signal("SIGSEGV", function() p:load(at, size) end)
		expect(fault.code == "SEGV_MAPERR" and fault.addr == a + 12 * K)
	end
end
expect(p:load(a + 1, 8) == 0 and p:load(a + 3, 2) == 0)

-- Below the mapping it is the access's own address.
local low = p:mmap { addr = a - 64 * K, len = 4 * K, flags = "private|anonymous|fixed" }
local fault = expect_signal("SIGSEGV", function() p:store(low - 3, -1, 8) end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == low - 3)
expect(p:load(low) == 0)

-- Blocks: five bytes fit, the sixth faults.
fault = expect_signal("SIGSEGV", function() p:write(a + 8 * K - 5, "0123456789") end)
expect(fault.code == "SEGV_ACCERR" and fault.addr == a + 8 * K)
expect(p:read(a + 8 * K - 6, 6) == "\00001234")
fault = expect_signal("SIGSEGV", function() p:read(a + 8 * K - 5, 4 * K + 6) end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == a + 12 * K)
