-- A guard is no page: a private mapping of a file that has nothing but guards goes on as one that
-- was never written, so parts of it that are written apart are not joined again. Private anonymous
-- memory counts as written with its first guard. Either way a child has the guards, also in memory
-- that fork would leave to faults.
-- Covers: P1, A3
local p = process()
local m = p:memfd_create("m")
p:ftruncate(m, 6 * PAGE)
local a = 0x10000000
for _, case in ipairs {
	{ "private|anonymous", -1, "guard", "wwwwww" }, { "private|anonymous", -1, "", "wwww|ww" },
	{ "private|anonymous", -1, "write", "wwwwww" },
	{ "private", m, "guard", "wwww|ww" }, { "private", m, "", "wwww|ww" },
	{ "private", m, "write", "wwwwww" },
	{ "shared|anonymous", -1, "guard", "wwwwww" }, { "shared", m, "guard", "wwwwww" },
} do
	local flags, fd, first, want = table.unpack(case)
	p:mmap { addr = a, len = 6 * PAGE, flags = flags .. "|fixed", fd = fd }
	if first == "guard" then
		p:madvise(a + PAGE, PAGE, "guard_install")
		local c = p:fork()
		expect(c:pagemap(a + PAGE).guard)
		c:exit()
	elseif first == "write" then
		p:store(a, 1)
	end
	-- Two mappings for a while, each written on its own.
	p:madvise(a, 4 * PAGE, "dontfork")
	p:store(a + 2 * PAGE, 1)
	p:store(a + 5 * PAGE, 1)
	expect_eq(p:layout(a, 6), "wwww|ww")
	p:madvise(a, 4 * PAGE, "dofork")
	expect_eq(p:layout(a, 6), want, flags .. " " .. first)
	p:munmap(a, 6 * PAGE)
end
