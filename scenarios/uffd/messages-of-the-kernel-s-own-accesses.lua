-- Accesses that the kernel makes for somebody fault like others: reading and writing from outside,
-- populating, pinning, atomics. With user_mode_only none of them waits: they fail.
-- Covers: B17, N4, B19
local p, q = process(), process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local calls = {
	{ "read", function(a) return q:vm_readv(p, { { a, 1 } }) end, "", by = q },
	{ "write", function(a) return q:vm_writev(p, { { a, 1 } }, "q") end, "write", by = q },
	{ "populate", function(a) return p:madvise(a, PAGE, "populate_write") end, "write" },
	{ "populate to read", function(a) return p:madvise(a, PAGE, "populate_read") end, "" },
	{ "pin", function(a) return p:unpin(p:pin(a, PAGE)) end, "write" },
}
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for _, how in ipairs { "", "user_mode_only" } do
		for _, call in ipairs(calls) do
			local u = p:userfaultfd(how)
			p:uffd_api(u)
			local a = p:mmap { len = 2 * PAGE, flags = flags }
			p:write(a + PAGE, "x")
			p:uffd_register(u, a, 2 * PAGE, "missing|wp")
			p:uffd_writeprotect(u, a + PAGE, PAGE, "wp")
			if how == "" then
				local t = (call.by or p):thread(function() call[2](a) end)
				local m = p:uffd_read(u)
				expect(m.addr == a and m.flags == call[3], call[1])
				p:uffd_copy(u, a, src, PAGE)
				t:join()
				-- What only reads is not stopped by protection.
				t = (call.by or p):thread(function() call[2](a + PAGE) end)
				if call[3] == "write" then
					m = p:uffd_read(u)
					expect(m.addr == a + PAGE and m.flags == "write|wp",
						call[1])
					p:uffd_writeprotect(u, a + PAGE, PAGE, "")
				end
				t:join()
			else
				expect_errno("EFAULT", function() call[2](a) end)
				if call[3] == "write" then
					expect_errno("EFAULT", function() call[2](a + PAGE) end)
				end
			end
			p:close(u)
			p:munmap(a, 2 * PAGE)
		end
	end
end
-- An access of the process itself is told with user_mode_only, too.
local u = p:userfaultfd("user_mode_only|nonblock")
p:uffd_api(u)
local a = p:mmap { len = PAGE }
p:uffd_register(u, a, PAGE, "missing")
local t = p:thread(function() p:fetch_add(a, 5) end)
p:uffd_wait(u)
expect_eq(p:uffd_read(u).flags, "write")
p:uffd_zeropage(u, a, PAGE)
t:join()
expect(p:load(a) == 5)
p:close(u)
-- The source of a copy is read by the kernel, too.
for _, how in ipairs { "nonblock", "nonblock|user_mode_only" } do
	u = p:userfaultfd(how)
	p:uffd_api(u)
	local from = p:mmap { len = 2 * PAGE }
	local to = p:mmap { len = 2 * PAGE }
	p:uffd_register(u, from, 2 * PAGE, "missing")
	p:uffd_register(u, to, 2 * PAGE, "missing")
	if how == "nonblock" then
		t = p:thread(function() p:uffd_copy(u, to, from, PAGE) end)
		p:uffd_wait(u)
		local m = p:uffd_read(u)
		expect(m.flags == "" and m.addr == from)
		p:uffd_copy(u, from, src, PAGE)
		t:join()
		expect_eq(p:read(to, 1), "s")
	else
		expect_errno("EFAULT", function() p:uffd_copy(u, to, from, PAGE) end)
	end
	p:close(u)
	p:munmap(from, 2 * PAGE)
	p:munmap(to, 2 * PAGE)
end
-- A descriptor cannot be mapped, and no offset is too large for it but the last.
u = p:userfaultfd("nonblock")
for offset, errno in pairs { [1 << 63] = "ENODEV", [-2 * PAGE] = "ENODEV",
	[-PAGE] = "EOVERFLOW" } do
	expect_errno(errno, function()
		p:mmap { len = PAGE, prot = "rw", flags = "private", fd = u, offset = offset }
	end)
end
