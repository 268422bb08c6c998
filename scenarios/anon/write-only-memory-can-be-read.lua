-- x86 has no entry that may be written and not read: PROT_WRITE alone reads as well.
--
-- The kernel still shows the mapping as "-w-": what it promised, not what the entry can do.
-- A page that was only mapped for writing is read through the same entry; an untouched one is
-- refused, because there the kernel is asked, and it goes by the mapping.
-- Covers: P2
local p = process()
local a = p:mmap { len = 12 * K, prot = "w" }
expect(p:maps(a).perms == "-w-p")

p:write(a, "seen")
expect(p:read(a, 4) == "seen")
expect(p:pagemap(a).exclusive)

local ok = p:try("read", a + 4 * K, 1)
expect(ok == "\0")
expect(p:mincore(a, 12 * K) == "110")

-- Writable and executable, not readable: fetching works, and so does reading.
p:mprotect(a, 4 * K, 6)
expect(p:maps(a).perms == "-wxp")
expect(p:read(a, 4) == "seen")
p:mprotect(a + 4 * K, 4 * K, "wx")
p:exec(a + 4 * K)

p:mprotect(a, 12 * K, "w")
local fault = expect_signal("SIGSEGV", function() p:exec(a + 8 * K) end)
expect(fault.code == "SEGV_ACCERR" and fault.addr == a + 8 * K)
