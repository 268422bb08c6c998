-- With the feature sigbus: each mode on each kind of memory, read and written, by the process and
-- for it.
-- Covers: B17, B19, P5
local p, q = process(), process()
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "file")
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local kinds = {
	{ "private|anonymous", "missing" }, { "shared|anonymous", "missing" },
	{ "private|anonymous", "wp" }, { "shared|anonymous", "wp" }, { "shared", "minor", fd },
	{ "private", "minor", fd },
	{ "private", "wp", fd },
}
for _, kind in ipairs(kinds) do
	local a = p:mmap { len = PAGE, flags = kind[1], fd = kind[3] }
	if kind[2] == "wp" and not kind[3] then
		p:write(a, "wxyz")
	end
	p:uffd_register(u, a, PAGE, kind[2])
	if kind[2] == "wp" then
		p:uffd_writeprotect(u, a, PAGE, "wp")
		expect(p:load(a) ~= 0)
	else
		local fault = expect_signal("SIGBUS", p.load, p, a + 8)
		expect(fault.code == "BUS_ADRERR" and fault.addr == a + 8)
		expect_errno("EFAULT", function() q:vm_readv(p, { { a, 1 } }) end)
		expect_errno("EFAULT", function() p:madvise(a, PAGE, "populate_read") end)
	end
	for _, access in ipairs { "store", "xchg", "fetch_add" } do
		local fault = expect_signal("SIGBUS", p[access], p, a + 8, 1)
		expect(fault.code == "BUS_ADRERR" and fault.addr == a + 8)
	end
	expect_errno("EFAULT", function() q:vm_writev(p, { { a, 1 } }, "q") end)
	expect_errno("EFAULT", function() p:pin(a, PAGE) end)
	expect_errno("EFAULT", function() p:madvise(a, PAGE, "populate_write") end)
	expect_eq(p:poll(u), "err")
	p:uffd_unregister(u, a, PAGE)
	p:store(a, 1)
	p:munmap(a, PAGE)
end
