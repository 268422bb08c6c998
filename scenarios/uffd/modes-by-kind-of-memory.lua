-- Which modes which memory can be registered for, and which ioctls then work on it.
-- Covers: B1, B19
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, 2 * PAGE)
local reg = p:open("regular", "rdwr|creat")
p:pwrite(reg, ("r"):rep(2 * PAGE))
local kinds = {
	["anonymous"] = { flags = "private|anonymous" },
	["anonymous, read-only"] = { flags = "private|anonymous", prot = "r" },
	["anonymous, no access"] = { flags = "private|anonymous", prot = "none" },
	["stack"] = { flags = "private|anonymous|growsdown" },
	["droppable"] = { flags = "droppable|anonymous" },
	["shared"] = { flags = "shared|anonymous" },
	["shared, read-only"] = { flags = "shared|anonymous", prot = "r" },
	["memfd"] = { flags = "shared", fd = fd },
	["memfd, read-only"] = { flags = "shared", fd = fd, prot = "r" },
	["private memfd"] = { flags = "private", fd = fd },
	["regular"] = { flags = "shared", fd = reg },
	["private regular"] = { flags = "private", fd = reg },
}
local modes = { "missing", "wp", "minor", "missing|wp", "missing|minor", "wp|minor",
	"missing|wp|minor" }
local all = "wake copy zeropage move"
local function answer(name, mode)
	local shmem = name:find("shared") or name:find("memfd")
	if name:find("regular") or name == "droppable" or mode:find("minor") and not shmem then
		return "EINVAL"
	end
	return all .. (mode:find("wp") and " writeprotect" or "") ..
		(mode:find("minor") and " continue" or "") .. " poison"
end
for name, how in pairs(kinds) do
	for _, mode in ipairs(modes) do
		local u = p:userfaultfd("nonblock")
		p:uffd_api(u)
		how.len = 2 * PAGE
		local a = p:mmap(how)
		local got, errno = p:try("uffd_register", u, a, 2 * PAGE, mode)
		expect_eq(got and got:gsub("|", " ") or errno, answer(name, mode),
			name .. ", " .. mode)
		local letters = p:smaps(a).vmflags
		expect((letters:find("um") ~= nil) == (got ~= nil and mode:find("missing") ~= nil))
		expect((letters:find("uw") ~= nil) == (got ~= nil and mode:find("wp") ~= nil))
		expect((letters:find("ui") ~= nil) == (got ~= nil and mode:find("minor") ~= nil))
		p:munmap(a, 2 * PAGE)
		p:close(u)
	end
end
