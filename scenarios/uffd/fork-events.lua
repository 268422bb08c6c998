-- With event_fork the handler is told of the child and gets a descriptor for its memory:
-- registration and protection go on there. Without, the child has neither.
-- Covers: B12, B17
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "event_fork|pagefault_flag_wp|wp_hugetlbfs_shmem|missing_shmem")
	local a = p:mmap { len = 4 * PAGE, flags = flags }
	p:write(a, "here")
	p:uffd_register(u, a, 4 * PAGE, "missing|wp")
	p:uffd_writeprotect(u, a, PAGE, "wp")
	local c
	local t = p:thread(function() c = p:fork() end)
	local m = p:uffd_read(u)
	expect(m.event == "fork")
	t:join()
	expect(c:smaps(a).vmflags:find("um") and c:smaps(a).vmflags:find("uw"))
	expect(c:pagemap(a).uffd_wp or not c:pagemap(a).present)
	-- The child's fault is told to its own descriptor, which is the handler's.
	local ct = c:thread(function() expect_eq(c:read(a + PAGE, 1), "s") end)
	local cm = p:uffd_read(m.fd)
	expect(cm.event == "pagefault" and cm.addr == a + PAGE)
	p:uffd_copy(m.fd, a + PAGE, src, PAGE)
	ct:join()
	c:exit()
	p:close(m.fd)
	p:close(u)
end
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u, "pagefault_flag_wp|wp_hugetlbfs_shmem")
	local a = p:mmap { len = 2 * PAGE, flags = flags }
	p:write(a, "here")
	p:uffd_register(u, a, 2 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
	local c = p:fork()
	expect(not c:smaps(a).vmflags:find("uw"))
	expect(not c:pagemap(a).uffd_wp and not c:pagemap(a + PAGE).uffd_wp)
	c:write(a, "free")
	c:write(a + PAGE, "free")
	expect(p:pagemap(a).uffd_wp)
	c:exit()
	p:close(u)
end
