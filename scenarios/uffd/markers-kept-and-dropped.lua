-- A marker protects a page of shared memory that nobody maps: DONTNEED keeps it, truncation and
-- unmapping drop it, unprotecting makes it nothing.
-- Covers: B6, B7, Z2, Z3, A2, A3
local p = process()
local fd = p:memfd_create("m")
p:ftruncate(fd, 8 * PAGE)
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { len = 8 * PAGE, flags = "shared", fd = fd }
local function picture()
	local letters = {}
	for i, page in ipairs(p:pagemap(a, 8)) do
		letters[i] = page.present and (page.uffd_wp and "P" or "p") or page.uffd_wp and "m"
			or "."
	end
	return table.concat(letters)
end
for i = 0, 3 do
	p:write(a + i * PAGE, "page " .. i)
end
p:uffd_register(u, a, 8 * PAGE, "wp")
p:uffd_writeprotect(u, a, 6 * PAGE, "wp")
expect_eq(picture(), "PPPPmm..")
p:madvise(a, 2 * PAGE, "dontneed")
expect_eq(picture(), "mmPPmm..")
-- A read faults the page in, still protected.
expect_eq(p:read(a, 6), "page 0")
expect_eq(picture(), "PmPPmm..")
-- mprotect neither lifts nor is lifted; mincore asks the cache.
p:mprotect(a, 8 * PAGE, "r")
p:mprotect(a, 8 * PAGE, "rw")
expect_eq(picture(), "PmPPmm..")
expect_eq(p:mincore(a, 8 * PAGE), "11110000")
p:madvise(a, 8 * PAGE, "cold")
p:madvise(a, 8 * PAGE, "willneed")
expect_eq(picture(), "PmPPmm..")
p:uffd_writeprotect(u, a + 4 * PAGE, PAGE, "")
expect_eq(picture(), "PmPP.m..")
p:fallocate(fd, "punch_hole|keep_size", 2 * PAGE, PAGE)
-- A page punched away while mapped leaves a marker: the first, unlocked pass of a punch keeps it.
expect_eq(picture(), "PmmP.m..")
p:fallocate(fd, "punch_hole|keep_size", PAGE, PAGE)
expect_eq(picture(), "PmmP.m..")
p:ftruncate(fd, 3 * PAGE)
expect_eq(picture(), "Pmmm.m..")
p:ftruncate(fd, 8 * PAGE)
expect_eq(picture(), "Pmmm.m..")
p:uffd_unregister(u, a, 8 * PAGE)
expect_eq(picture(), picture():gsub("[mP]", { m = ".", P = "p" }))
