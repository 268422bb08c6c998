-- WRITEPROTECT takes ranges that are registered for it, in whole; without such it changes nothing.
-- Covers: B7, B19
local p = process()
local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
p:uffd_api(u)
p:uffd_api(v)
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed" }
	p:write(a, ("x"):rep(8 * PAGE))
	local function refused(errno, d, addr, len, mode)
		expect_errno(errno, function() p:uffd_writeprotect(d, addr, len, mode) end)
	end
	local function picture()
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 8)) do
			letters[i] = page.uffd_wp and "P" or "p"
		end
		return table.concat(letters)
	end
	refused("ENOENT", u, a, PAGE, "wp")
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_register(v, a + 4 * PAGE, 2 * PAGE, "wp")
	p:uffd_register(u, a + 6 * PAGE, PAGE, "missing")
	refused("EINVAL", u, a, PAGE, "wp|dontwake")
	refused("ENOENT", u, a + 6 * PAGE, PAGE, "wp")
	refused("ENOENT", u, a + 7 * PAGE, PAGE, "wp")
	refused("ENOENT", u, 0x30000000, PAGE, "wp")
	expect_eq(picture(), "pppppppp")
	-- What is not mapped before or behind is left out.
	p:uffd_writeprotect(u, a - PAGE, 2 * PAGE, "wp")
	expect_eq(picture(), "Pppppppp")
	p:uffd_writeprotect(u, a, PAGE, "")
	-- Whoever has a descriptor of the process may protect what another one registered.
	p:uffd_writeprotect(u, a + 4 * PAGE, PAGE, "wp")
	expect_eq(picture(), "ppppPppp")
	-- What comes before a part that is not registered is protected.
	refused("ENOENT", u, a + 2 * PAGE, 6 * PAGE, "wp")
	expect_eq(picture(), "ppPPPPpp")
	p:uffd_writeprotect(u, a, 6 * PAGE, "dontwake")
	expect_eq(picture(), "pppppppp")
	p:munmap(a, 8 * PAGE)
end
