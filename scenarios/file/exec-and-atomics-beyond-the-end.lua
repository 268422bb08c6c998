-- Every kind of access beyond the end of a file ends with SIGBUS at its address.
-- Covers: P5
local p = process()
local fd = p:memfd_create("short")
local a = p:mmap { len = 8 * K, prot = "rwx", flags = "shared", fd = fd }
for _, try in ipairs {
	function() p:load(a + 8) end,
	function() p:store(a + 16, 1) end,
	function() p:xchg(a + 24, 1) end,
	function() p:fetch_add(a + 32, 1) end,
	function() p:cmpxchg(a + 40, 0, 1) end,
	function() p:read(a + 4 * K, 10) end,
	function() p:write(a + 4 * K, "x") end,
	function() p:exec(a) end,
} do
	expect(expect_signal("SIGBUS", try).code == "BUS_ADRERR")
end
p:ftruncate(fd, 4 * K)
expect_signal("SIGBUS", p.write, p, a + 4 * K - 2, "cross")
expect_eq(p:read(a + 4 * K - 2, 2), "cr")
