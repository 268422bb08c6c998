-- What every ioctl refuses before it looks at memory: ranges that are not of pages, empty ones,
-- ones that wrap or leave the address space, and bits that nobody knows. Nothing changes by it.
-- Covers: B19
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
local src = p:mmap { addr = 0x20000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
p:write(src, ("s"):rep(4 * PAGE))
p:uffd_register(u, a, 4 * PAGE, "missing|wp")
local TOP = 0x7ffffffff000
local calls = {
	register = function(addr, len, bits) p:uffd_register(u, addr, len, bits
		or "missing|wp") end,
	unregister = function(addr, len) p:uffd_unregister(u, addr, len) end,
	wake = function(addr, len) p:uffd_wake(u, addr, len) end,
	copy = function(addr, len, bits) p:uffd_copy(u, addr, src, len, bits) end,
	zeropage = function(addr, len, bits) p:uffd_zeropage(u, addr, len, bits) end,
	writeprotect = function(addr, len, bits) p:uffd_writeprotect(u, addr, len, bits
		or "wp") end,
	continue = function(addr, len, bits) p:uffd_continue(u, addr, len, bits) end,
	poison = function(addr, len, bits) p:uffd_poison(u, addr, len, bits) end,
	move = function(addr, len, bits) p:uffd_move(u, addr, src, len, bits) end,
	["move from"] = function(addr, len) p:uffd_move(u, a, addr, len) end,
}
for name, call in pairs(calls) do
	local function refused(...)
		local arguments = { ... }
		expect_errno("EINVAL", function() call(table.unpack(arguments)) end)
	end
	refused(a + 1, PAGE)
	refused(a, PAGE + 8)
	refused(a, 0)
	refused(a, -PAGE)
	refused(TOP, PAGE)
	refused(TOP - PAGE, 2 * PAGE)
	refused(-PAGE, PAGE)
	refused(-PAGE, 2 * PAGE)
	if name ~= "unregister" and name ~= "wake" and name ~= "move from" then
		refused(a, PAGE, 1 << 7)
		refused(a, PAGE, 1 << 63)
	end
end
expect_eq(p:mincore(a, 4 * PAGE), "0000")
expect_eq(p:smaps(a).vmflags, "rd wr mr mw me um uw ac")
-- The source of a copy is of the address space, too, but need not be of whole pages.
expect_errno("EINVAL", function() p:uffd_copy(u, a, TOP, PAGE) end)
expect_errno("EFAULT", function() p:uffd_copy(u, a, 0x30000001, PAGE) end)
expect_errno("EINVAL", function() p:uffd_copy(u, a, -PAGE, 2 * PAGE) end)
expect_errno("EFAULT", function() p:uffd_copy(u, a, 0, PAGE) end)
