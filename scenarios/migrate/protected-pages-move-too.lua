-- only: model (two nodes)
-- A protected page moves to the other node and is protected there. A marker stays a marker when the
-- page that it stands for moves by another mapping: what is walked are pages that are mapped.
--
--     a    PPm    registered: two protected pages, and a marker for the third
--     b    ppp    the same memory, not registered
-- Covers: A3, B11
machine { nodes = 2, ram = 4 * M, cpus = 2 }
local p = process()
for _, flags in ipairs { "private|anonymous", "shared" } do
	local fd = p:memfd_create("f")
	p:ftruncate(fd, 3 * PAGE)
	local shared = flags == "shared"
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus|wp_unpopulated")
	local a = p:mmap { len = 3 * PAGE, flags = flags, fd = shared and fd or nil }
	local b = shared and p:mmap { len = 3 * PAGE, flags = flags, fd = fd } or a
	p:write(a, "one")
	p:write(a + PAGE, "two")
	p:uffd_register(u, a, 3 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 3 * PAGE, "wp")
	if shared then
		p:write(b + 2 * PAGE, "three")
		p:load(b)
		p:load(b + PAGE)
	end
	local function picture()
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 3)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	for round = 1, 2 do
		local other = 1 - p:move_pages(b, 1)[1]
		local nodes = p:move_pages(b, 3, other, "move_all")
		expect_eq(table.concat(nodes, " "), ("%d %d %s"):format(other, other,
			shared and other or "ENOENT"))
		expect_eq(picture(), "PPm", flags)
	end
	verify()
	for i = 0, 2 do
		expect_signal("SIGBUS", p.store, p, a + i * PAGE, 1)
	end
	expect_eq(p:read(a, 3) .. p:read(a + PAGE, 3), "onetwo")
	expect_eq(p:read(a + 2 * PAGE, 5), shared and "three" or ("\0"):rep(5))
	p:uffd_writeprotect(u, a, 3 * PAGE, "")
	p:write(a, "o")
	p:close(u)
end
