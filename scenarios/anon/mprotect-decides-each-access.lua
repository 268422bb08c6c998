-- What each protection allows, on pages that are there and on pages that are not. x86 has no way to
-- make memory writable or executable and not readable, so that "w" reads, too. A refused access is
-- SEGV_ACCERR, and brings no page (but for a fetch, see fetch-reads-the-page-in-before-it-fails).
-- Covers: P1, P5
local p = process()
local allowed = {
	--          load   store  exec
	none = { false, false, false },
	r = { true, false, false },
	w = { true, true, false },
	rw = { true, true, false },
	rx = { true, false, true },
	wx = { true, true, true },
	rwx = { true, true, true },
}
local accesses = {
	function(addr) p:load(addr) end,
	function(addr) p:store(addr, 0xc3) end,
	function(addr) p:exec(addr) end,
}

for prot, rights in pairs(allowed) do
	for i, access in ipairs(accesses) do
		local a = p:mmap { len = 2 * PAGE }
		p:store(a, 0xc3)
		p:mprotect(a, 2 * PAGE, prot)
		for page = 0, 1 do
			local addr = a + page * PAGE
			if rights[i] then
				access(addr)
				expect(p:pagemap(addr).present)
			else
				local fault = expect_signal("SIGSEGV", access, addr)
				expect(fault.code == "SEGV_ACCERR" and fault.addr == addr, prot)
				local there = page == 0 or (i == 3 and rights[1])
				expect_eq(p:pagemap(addr).present, there)
			end
		end
		p:munmap(a, 2 * PAGE)
	end
end

-- Taken away and given back, the rights count from the next access on, whatever was cached.
local a = p:mmap { len = PAGE }
p:store(a, 1)
for _ = 1, 3 do
	p:mprotect(a, PAGE, "r")
	expect_signal("SIGSEGV", function() p:store(a, 2) end)
	expect(p:load(a) == 1)
	p:mprotect(a, PAGE, "none")
	expect_signal("SIGSEGV", function() p:load(a) end)
	p:mprotect(a, PAGE, "rw")
	expect(p:xchg(a, 1) == 1)
end
