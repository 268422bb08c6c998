-- UFFDIO_POISON: accesses end with SIGBUS as if the memory had failed; filling and dropping lift
-- it.
-- Covers: A1, B17
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "poison|missing_shmem")
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	p:uffd_register(u, a, 4 * PAGE, "missing")
	expect_eq(p:uffd_poison(u, a, 2 * PAGE), 2 * PAGE)
	local fault = expect_signal("SIGBUS", p.load, p, a + 8)
	expect(fault.code == "BUS_ADRERR" and fault.addr == a + 8)
	expect_signal("SIGBUS", p.store, p, a + PAGE, 1)
	expect(p:pagemap(a).swapped)
	expect_eq(p:mincore(a, 4 * PAGE), "0000")
	expect_errno("EEXIST", function() p:uffd_poison(u, a, PAGE) end)
	-- A page that is put there lifts it.
	expect_eq(p:uffd_copy(u, a, src, PAGE), PAGE)
	expect_eq(p:read(a, 1), "s")
	p:uffd_poison(u, a + 2 * PAGE, PAGE)
	local q = process()
	expect_errno("EFAULT", function() q:vm_readv(p, { { a + PAGE, 8 } }) end)
	p:madvise(a + 2 * PAGE, PAGE, "dontneed")
	expect_eq(p:uffd_copy(u, a + 2 * PAGE, src, PAGE), PAGE)
	-- A child of anonymous memory has the poison too; of shared memory it faults anew.
	local c = p:fork()
	if flags == "private|anonymous" then
		expect_signal("SIGBUS", c.load, c, a + PAGE)
	else
		expect(c:load(a + PAGE) == 0)
	end
	c:exit()
	p:close(u)
	expect_signal("SIGBUS", p.load, p, a + PAGE)
	p:munmap(a, 4 * PAGE)
end
