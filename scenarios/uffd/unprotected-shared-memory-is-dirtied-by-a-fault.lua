-- Lifting the protection of shared memory does not make its entry writable: the next write faults
-- once more, without a message, and marks the page itself dirty, which who maps it too can see.
-- Without that write it is as clean to the other as it was, be the entry dirty or not; mprotect
-- there and back is no different.
-- Covers: B16, B2
local p = process()
local src = p:mmap { len = PAGE }
local ways = {
	["copied, unprotected"] = function(u, a)
		p:uffd_copy(u, a, src, PAGE, "wp")
		p:uffd_writeprotect(u, a, PAGE, "")
	end,
	["protected, unprotected"] = function(u, a)
		p:uffd_copy(u, a, src, PAGE)
		p:uffd_writeprotect(u, a, PAGE, "wp")
		p:uffd_writeprotect(u, a, PAGE, "")
	end,
	["made read-only and writable"] = function(u, a)
		p:uffd_copy(u, a, src, PAGE)
		p:mprotect(a, PAGE, "r")
		p:mprotect(a, PAGE, "rw")
	end,
}
for name, way in pairs(ways) do
	for _, writes in ipairs { false, true } do
		local u = p:userfaultfd("nonblock")
		p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
		local a = p:mmap { addr = 0x10000000, len = PAGE, flags = "shared|anonymous|fixed" }
		p:uffd_register(u, a, PAGE, "missing|wp")
		way(u, a)
		if writes then
			p:write(a, "w")
			expect_eq(p:poll(u), "")
		end
		-- The child's own entry is clean: what it shows is the page.
		local c = p:fork()
		c:read(a, 1)
		expect_eq(c:smaps(a).shared_dirty, writes and PAGE or 0, name)
		c:exit()
		p:close(u)
		p:munmap(a, PAGE)
	end
end
