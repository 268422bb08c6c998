-- Moved by mremap or copied by fork, and nobody told of it: at the new place nothing is registered,
-- and nothing is left of protection, of pages in memory, in swap, or never there. What writes mean
-- is the same as if there had been none; poison stays.
--
--     page    0 1: out   2 3: in memory   4 5: never touched   6: not protected   7: poison
--             P: protected, p: not, m: protected and not present, x: poison or swapped, .: none
-- Covers: A3, B6, B10, B12, B15
local p = process()
p:swapon(64)
local fd = p:memfd_create("f")
p:ftruncate(fd, 8 * PAGE)
local kinds = {
	["private|anonymous"] = { "mmPPmm.x", "xxpp...x", "xxpp...x" },
	["shared|anonymous"] = { "mmPPmm.x", "..ppp..x", "........" },
	["shared"] = { "mmPPmm.x", "..ppp..x", "........" },
	["private"] = { "mmPPmm.x", "xxppp..x", "xxpp...x" },
}
for flags, want in pairs(kinds) do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_unpopulated|sigbus")
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed",
		fd = not flags:find("anonymous") and fd or nil }
	local function picture(q, addr)
		local letters = {}
		for i, page in ipairs(q:pagemap(addr, 8)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or page.swapped and "x" or "."
		end
		return table.concat(letters)
	end
	for i = 0, 3 do
		p:write(a + i * PAGE, "x")
	end
	p:uffd_register(u, a, 8 * PAGE, "missing|wp")
	p:uffd_writeprotect(u, a, 6 * PAGE, "wp")
	p:madvise(a, 2 * PAGE, "pageout")
	p:uffd_poison(u, a + 7 * PAGE, PAGE)
	expect_eq(picture(p, a), want[1], flags)
	local c = p:fork()
	expect_eq(picture(c, a), want[3], flags)
	for i = 0, 6 do
		c:write(a + i * PAGE, "c")
	end
	-- The parent's is as it was. A write brings in what the file has by now, protected.
	expect_eq(picture(p, a), want[1], flags)
	expect_signal("SIGBUS", p.store, p, a + 4 * PAGE, 1)
	c:exit()
	expect_eq(p:mremap(a, 8 * PAGE, 8 * PAGE, "maymove|fixed", 0x20000000), 0x20000000)
	a = 0x20000000
	expect_eq(picture(p, a), want[2], flags)
	for i = 0, 6 do
		p:write(a + i * PAGE, "m")
	end
	expect_signal("SIGBUS", p.store, p, a + 7 * PAGE, 1)
	expect(not p:smaps(a).vmflags:find("u[mw]"))
	p:close(u)
	p:munmap(a, 8 * PAGE)
end
