-- mlockall locks what is mapped, what will be, or both, at once or on fault.
--
-- What cannot be locked does not stop the rest and is not reported.
-- Covers: P1
local p = process()
local a = p:mmap { len = 8 * K }
local none = p:mmap { len = 4 * K, prot = "none" }
local r = p:mmap { len = 4 * K, prot = "r" }
local d = p:mmap { len = 4 * K, flags = "droppable|anonymous" }
local function locked(addr)
	return p:smaps(addr).vmflags:find("lo") ~= nil
end

-- CURRENT: everything there, populated. New mappings are not.
p:mlockall("current")
expect(locked(a) and locked(none) and locked(r) and not locked(d))
expect(p:mincore(a, 8 * K) == "11" and p:mincore(none, 4 * K) == "0")
local b = p:mmap { len = 4 * K }
expect(not locked(b))
p:munlockall()
expect(not locked(a) and not locked(none))
expect(p:status().vmlck == 0)

-- FUTURE: new ones only; the heap grows locked as well.
p:mlockall("future")
expect(not locked(a))
b = p:mmap { len = 64 * K, prot = "rw" }
expect(locked(b) and p:mincore(b, 64 * K) == ("1"):rep(16))
local n = p:mmap { len = 4 * K, prot = "none" }
expect(locked(n) and p:mincore(n, 4 * K) == "0")
local start = p:brk()
p:brk(start + 8 * K)
expect(locked(start) and p:mincore(start, 8 * K) == "11")
p:brk(start)

-- A child inherits neither the locks nor the wish.
local c = p:fork()
expect(c:status().vmlck == 0)
local cb = c:mmap { len = 4 * K }
expect(not c:smaps(cb).vmflags:find("lo"))
expect(c:mincore(cb, 4 * K) == "0")
c:exit()

-- FUTURE and ONFAULT: locked, but not brought in.
p:mlockall("future|onfault")
local e = p:mmap { len = 8 * K }
expect(locked(e) and p:mincore(e, 8 * K) == "00")
p:write(e, "x")
expect(p:smaps(e).locked == 4 * K)

-- CURRENT and ONFAULT: locks all, brings none, and forgets the wish for the future.
p:munlockall()
p:madvise(a, 8 * K, "dontneed")
p:mlockall("current|onfault")
expect(locked(a) and p:mincore(a, 8 * K) == "00")
local f = p:mmap { len = 4 * K }
expect(not locked(f))

-- Everything at once.
p:mlockall("current|future")
expect(p:mincore(a, 8 * K) == "11" and locked(f))
expect(locked(p:mmap { len = 4 * K }))
-- CURRENT alone ends the wish for the future.
p:mlockall("current")
expect(not locked(p:mmap { len = 4 * K, prot = "r" }))
-- So does unlocking all.
p:mlockall("future")
p:munlockall()
expect(not locked(p:mmap { len = 4 * K, prot = "rx" }))
expect(p:status().vmlck == 0)

for _, flags in ipairs { 0, 4, 8, 9, -1 } do
	expect_errno("EINVAL", function() p:mlockall(flags) end)
end
