-- What each advice leaves of protection, by kind of memory.
--
--     page     0 1 2 3     present and protected, but for 3: never touched
--     after    P: still, p: not, m: protected and not present, .: neither
-- Covers: A3, B7, Z3
local p = process()
local expected = {
	["private|anonymous"] = { dontneed = "....", dontneed_locked = "....", free = "PPP.",
		cold = "PPP.", willneed = "PPP.", populate_read = "PPPp", normal = "PPP.",
			pageout = "mmm." },
	["private|anonymous wp_unpopulated"] = { dontneed = "....",
		dontneed_locked = "....", free = "PPPm",
		cold = "PPPm", willneed = "PPPm", populate_read = "PPPP", normal = "PPPm",
			pageout = "mmmm" },
	["shared|anonymous"] = { dontneed = "mmmm", dontneed_locked = "mmmm", free = "EINVAL",
		cold = "PPPm", willneed = "PPPm", populate_read = "PPPP", normal = "PPPm",
			pageout = "mmmm" },
}
p:swapon(64)
for kind, advices in pairs(expected) do
	for advice, want in pairs(advices) do
		local u = p:userfaultfd("nonblock")
		local feature = kind:match(" (.*)") or ""
		p:uffd_api(u, feature)
		local a = p:mmap { len = 4 * PAGE, flags = kind:match("%S+") }
		p:write(a, ("x"):rep(3 * PAGE))
		p:uffd_register(u, a, 4 * PAGE, "wp")
		p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
		local ok, errno = p:try("madvise", a, 4 * PAGE, advice)
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 4)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		expect_eq(ok and table.concat(letters) or errno, want, kind .. ", " .. advice)
		p:munmap(a, 4 * PAGE)
		p:close(u)
	end
end
