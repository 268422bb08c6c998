-- Giving a right back to a mapping does not give it back to a page that is shared: the entry
-- stays read-only until a fault has looked at who else has the page.
--
-- What is this process's alone may be made writable at once. Either way nobody ever sees
-- another's bytes, whatever detour the rights take.
--
--         0    4    8
--     p   A    B    Z        A, B shared after fork   Z zero page
--     c   A    B    Z
--     c   a    B    z        a copy, z a page of its own
-- Covers: P1, P2
local p = process()
for _, detour in ipairs { { "r" }, { "none" }, { "rx", "none", "r" }, { "rw" } } do
	local a = p:mmap { len = 12 * K, prot = "rw" }
	p:write(a, "ours")
	p:write(a + 4 * K, "ours")
	expect(p:load(a + 8 * K) == 0)
	local c = p:fork()
	for _, process in ipairs { p, c } do
		for _, prot in ipairs(detour) do
			process:mprotect(a, 12 * K, prot)
		end
		process:mprotect(a, 12 * K, "rw")
		expect(process:smaps(a).shared_dirty == 8 * K)
	end
	c:write(a, "mine")
	c:write(a + 8 * K, "mine")
	expect(p:read(a, 4) == "ours" and p:load(a + 8 * K) == 0)
	expect(c:smaps(a).private_dirty == 8 * K and c:smaps(a).shared_dirty == 4 * K)

	-- The one that is left with the page writes it where it is.
	for _, prot in ipairs(detour) do
		p:mprotect(a, 12 * K, prot)
	end
	p:mprotect(a, 12 * K, "rw")
	p:write(a, "OURS")
	expect(p:pagemap(a).exclusive)
	expect(c:read(a, 4) == "mine")
	c:exit()
	p:write(a + 4 * K, "OURS")
	expect(p:smaps(a).private_dirty == 8 * K)
	p:munmap(a, 12 * K)
end
