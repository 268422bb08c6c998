-- How far a stack grows is limited by RLIMIT_STACK (the size of the mapping), by RLIMIT_AS and, if
-- it is locked, by RLIMIT_MEMLOCK. An access that would need more is a SIGSEGV.
-- Covers: P1, P5
local p = process()
local function stack(addr, more)
	return p:mmap { addr = addr, len = 2 * PAGE,
		flags = "private|anonymous|fixed|growsdown" .. (more or "") }
end
local function stops_at(s, pages)
	p:write(s + 2 * PAGE - pages * PAGE, "x")
	local addr = s + 2 * PAGE - (pages + 1) * PAGE
	local fault = expect_signal("SIGSEGV", function() p:write(addr, "x") end)
	expect(fault.code == "SEGV_MAPERR" and fault.addr == addr)
	expect(p:maps(s).start == s + 2 * PAGE - pages * PAGE)
end

p:setrlimit("stack", 16 * PAGE)
stops_at(stack(0x10000000), 16)
p:setrlimit("stack", 20 * PAGE)
stops_at(0x10000000, 20)

-- mmap itself does not look at the limit.
p:mmap { addr = 0x20000000, len = 64 * PAGE, flags = "private|anonymous|fixed|growsdown" }
expect_signal("SIGSEGV", function() p:write(0x20000000 - 1, "x") end)
p:setrlimit("stack", "unlimited")
p:write(0x20000000 - 1, "x")

-- 85 pages are mapped by now; two more and six to grow by may be.
expect(p:status().vmsize == (20 + 65) * PAGE)
p:setrlimit("as", (20 + 65 + 2 + 6) * PAGE)
local s = stack(0x30000000)
stops_at(s, 8)
p:setrlimit("as", "unlimited")

-- A locked one populates what it grows by.
local l = stack(0x40000000, "|locked")
expect(p:status().vmlck == 2 * PAGE)
p:write(l - PAGE, "x")
expect(p:status().vmlck == 3 * PAGE)
p:write(l - 5 * PAGE, "x")
expect(p:status().vmlck == 7 * PAGE)
print(p:smaps(l).rss, p:smaps(l).locked)
p:cap_ipc_lock(false)
p:setrlimit("memlock", 9 * PAGE)
stops_at(l, 9)
p:cap_ipc_lock(true)
p:write(l - 10 * PAGE, "x")
