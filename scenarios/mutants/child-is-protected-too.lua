-- A handler that is told of forks finds the child as protected as its parent: what it protected in
-- shared memory as well, of which fork copies no entries otherwise.
--
--          0    4
--     a    P    m          present, marker
-- Covers: B12
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "event_fork|pagefault_flag_wp|wp_hugetlbfs_shmem")
local a = p:mmap { len = 2 * PAGE, flags = "shared|anonymous" }
p:write(a, "here")
p:uffd_register(u, a, 2 * PAGE, "wp")
p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
local c
local t = p:thread(function() c = p:fork() end)
expect_eq(p:uffd_read(u).event, "fork")
t:join()
expect(c:pagemap(a).uffd_wp and c:pagemap(a + PAGE).uffd_wp)
c:exit()
