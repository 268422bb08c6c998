-- Registered again without write protection, memory keeps its bits and markers, and they mean
-- nothing: a page is written at once, goes out and comes back, and what is writable may be marked.
-- Registered for it once more, what is marked and not writable by then (fork sees to that in
-- private memory) is protected. A child has neither.
--
--     page    0 1: out   2 3 4: written before   5: read before   6 7: never touched
-- Covers: B6, B10, B11, B15, Z3
local p = process()
p:swapon(64)
local fd = p:memfd_create("f")
p:ftruncate(fd, 8 * PAGE)
for i = 0, 7 do
	p:pwrite(fd, "file", i * PAGE)
end
-- P: protected, p: not, m: protected and not present, .: neither. Then the writes that are stopped.
local expected = {
	["private|anonymous"] = { "mmPPPP..", "PPPPPp..", "PmmmPp..", "p...pp..", "01234" },
	["private"] = { "mmPPPPPP", "PPPPPpPP", "PmmmPpPP", "p...pppp", "01234" },
	["shared|anonymous"] = { "mmPPPPmm", "ppPPPPmm", "p...PPmm", "........", "" },
	["shared"] = { "mmPPPPPP", "ppPPPPPP", "p...PPPP", "........", "" },
}
for flags, want in pairs(expected) do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus")
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed",
		fd = not flags:find("anonymous") and fd or nil }
	local function picture(q)
		local letters = {}
		for i, page in ipairs((q or p):pagemap(a, 8)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	for i = 0, 4 do
		p:write(a + i * PAGE, "x")
	end
	p:load(a + 5 * PAGE)
	p:uffd_register(u, a, 8 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 8 * PAGE, "wp")
	p:madvise(a, 2 * PAGE, "pageout")
	expect_eq(picture(), want[1], flags)
	p:uffd_register(u, a, 8 * PAGE, "missing")
	expect_eq(picture(), want[1], flags)
	for i = 0, 5 do
		p:write(a + i * PAGE, "y")
	end
	expect_eq(picture(), want[2], flags)
	p:madvise(a + PAGE, 3 * PAGE, "pageout")
	expect_eq(picture(), want[3], flags)
	local c = p:fork()
	expect_eq(picture(c), want[4], flags)
	c:exit()
	p:uffd_register(u, a, 8 * PAGE, "missing|wp")
	local stopped = ""
	for i = 0, 5 do
		stopped = stopped .. (p:try("write", a + i * PAGE, "z") and "" or i)
	end
	expect_eq(stopped, want[5], flags)
	p:close(u)
	p:munmap(a, 8 * PAGE)
end
