-- Who is told of nothing has nothing to fill: with wp_async protection, and nothing but protection,
-- may be asked for regular files, too. It implies wp_unpopulated.
--
--     page     0: written   1: read   2: written where nothing was   3: not touched
--     after    P: protected, p: not, m: protected and not present, .: neither
-- Covers: B1, B3, B6, B7, B12, B17, B19
local p = process()
local fd, reg = p:memfd_create("f"), p:open("regular", "rdwr|creat")
p:ftruncate(fd, 4 * PAGE)
p:pwrite(reg, ("r"):rep(4 * PAGE))
local kinds = {
	["anonymous"] = { flags = "private|anonymous" },
	["shared"] = { flags = "shared|anonymous" },
	["memfd"] = { flags = "shared", fd = fd },
	["private memfd"] = { flags = "private", fd = fd },
	["regular"] = { flags = "shared", fd = reg },
	["private regular"] = { flags = "private", fd = reg },
}
for name, how in pairs(kinds) do
	local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_async")
	p:uffd_api(v)
	how.len = 4 * PAGE
	local a = p:mmap(how)
	local function picture(q)
		local letters = {}
		for i, page in ipairs((q or p):pagemap(a, 4)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	local regular = name:find("regular")
	if regular then
		expect_errno("EINVAL", function() p:uffd_register(v, a, 4 * PAGE, "wp") end)
		expect_errno("EINVAL", function() p:uffd_register(u, a, 4 * PAGE, "missing|wp") end)
	end
	expect_eq(p:uffd_register(u, a, 4 * PAGE, "wp"),
		"wake|copy|zeropage|move|writeprotect|poison")
	p:write(a, "x")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	expect_eq(picture(), "Pmmm", name)
	p:write(a, "y")
	p:load(a + PAGE)
	p:write(a + 2 * PAGE, "z")
	expect_eq(picture(), "pPpm", name)
	-- A child has no descriptor: its memory is not protected.
	local c = p:fork()
	expect(not picture(c):find("[Pm]"), name)
	c:write(a + PAGE, "c")
	expect_eq(picture(), "pPpm", name)
	c:exit()
	-- Nothing is filled into a regular file, though the bits of the answer say so.
	local last = a + 3 * PAGE
	for fill, arguments in pairs { copy = { last, a, PAGE }, poison = { last, PAGE } } do
		local moved, errno = p:try("uffd_" .. fill, u, table.unpack(arguments))
		if regular then
			expect_eq(errno, "EINVAL", fill)
		elseif fill == "copy" then
			expect_eq(moved or errno, PAGE, fill)
		else
			expect_eq(errno, "EEXIST", fill)
		end
	end
	p:madvise(last, PAGE, "dontneed")
	p:uffd_writeprotect(u, last, PAGE, "wp")
	p:madvise(a, 2 * PAGE, "dontneed")
	expect_eq(picture(), name == "anonymous" and "..pm" or ".mpm", name)
	expect_eq(p:poll(u), "")
	p:uffd_unregister(u, a, 4 * PAGE)
	expect_eq(picture(), "..p.", name)
	-- A range in which some of a file is not registered cannot be unregistered.
	p:uffd_register(u, a + PAGE, PAGE, "wp")
	if regular then
		expect_errno("EINVAL", function() p:uffd_unregister(u, a, 2 * PAGE) end)
	end
	p:close(u)
	p:close(v)
	p:munmap(a, 4 * PAGE)
end
