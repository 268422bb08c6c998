-- With wp_async nobody is told: the first write drops the protection by itself, and pagemap shows
-- what was written since.
-- Covers: B17, G2
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_async|wp_unpopulated|wp_hugetlbfs_shmem|pagefault_flag_wp")
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	p:write(a, "x")
	p:uffd_register(u, a, 4 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 4 * PAGE, "wp")
	local function picture()
		local letters = {}
		for i, page in ipairs(p:pagemap(a, 4)) do
			letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp
				and "m" or "."
		end
		return table.concat(letters)
	end
	expect_eq(picture(), "Pmmm")
	p:write(a, "y")
	p:write(a + 2 * PAGE, "z")
	p:load(a + 3 * PAGE)
	expect_eq(picture(), "pmpP")
	expect_errno("EAGAIN", function() p:uffd_read(u) end)
	p:close(u)
end
