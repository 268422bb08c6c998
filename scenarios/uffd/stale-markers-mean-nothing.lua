-- Markers go when registration does: by unregistering a part, by closing, by registering without
-- write protection; accesses then are those of memory that nobody watches.
-- Covers: B6, B9
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_unpopulated")
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	p:write(a, "x")
	local function picture()
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 4)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	expect_eq(picture(), "Pmmm")
	p:uffd_unregister(u, a, 2 * PAGE)
	expect_eq(picture(), "p.mm")
	p:write(a, "y")
	p:write(a + PAGE, "y")
	-- From wp to missing: markers stay, but mean nothing.
	p:uffd_register(u, a + 2 * PAGE, 2 * PAGE, "missing")
	expect_eq(picture(), "ppmm")
	p:uffd_copy(u, a + 2 * PAGE, src, PAGE)
	expect_eq(picture(), "pppm")
	expect_eq(p:read(a + 2 * PAGE, 1), "s")
	p:write(a + 2 * PAGE, "t")
	p:close(u)
	p:write(a + 3 * PAGE, "z")
	expect_eq(picture(), "pppp")
	p:munmap(a, 4 * PAGE)
end
