-- Dirty tracking as a checkpointer does it: userfaultfd protects without telling anybody
-- (wp_async), and each PAGEMAP_SCAN with wp_matching reports what was written since the last one
-- and protects it again in one step. Nothing is lost and nothing is reported twice, for each kind
-- of memory, whether a page is there, in swap, or was never touched; reading changes nothing.
-- Covers: B17, G1, B10
local p = process()
p:swapon(64)
local m, f = p:memfd_create("m"), p:open("f", "rdwr|creat")
p:ftruncate(m, 8 * PAGE)
p:pwrite(f, ("f"):rep(8 * PAGE))
for _, kind in ipairs {
	{ flags = "private|anonymous" }, { flags = "shared|anonymous" },
	{ flags = "private", fd = m }, { flags = "shared", fd = m }, { flags = "private", fd = f },
} do
	local a = p:mmap { len = 8 * PAGE, flags = kind.flags, fd = kind.fd or -1 }
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "wp_async|wp_unpopulated|wp_hugetlbfs_shmem|pagefault_flag_wp")
	p:store(a, 1)
	p:store(a + PAGE, 1)
	p:load(a + 2 * PAGE)
	p:uffd_register(u, a, 8 * PAGE, "wp")

	local function changed(args)
		args = args or {}
		args.start, args.len = a, 8 * PAGE
		args.flags, args.category_mask = "wp_matching|check_wpasync", "written"
		args.return_mask = args.return_mask or "written"
		local pages = {}
		for _, r in ipairs((p:pagemap_scan(args))) do
			for addr = r.start, r.stop - 1, PAGE do
				pages[#pages + 1] = (addr - a) // PAGE
			end
		end
		return table.concat(pages, " ")
	end
	-- The first round has everything, and after it nothing until somebody writes.
	expect_eq(changed(), "0 1 2 3 4 5 6 7")
	expect_eq(changed(), "")
	for i = 0, 7 do
		p:load(a + i * PAGE)
	end
	expect_eq(changed(), "")
	p:store(a + PAGE, 2)
	p:store(a + 5 * PAGE, 2)
	expect_eq(changed(), "1 5")
	expect_eq(changed(), "")
	-- Out to swap and back in, by a load and by a store.
	p:madvise(a, 2 * PAGE, "pageout")
	expect_eq(changed(), "")
	expect_eq(p:load(a), 1)
	expect_eq(changed(), "")
	p:store(a + PAGE, 3)
	expect_eq(changed(), "1")
	-- The kernel's own writes are writes.
	local q = process()
	q:vm_writev(p, { { a + 6 * PAGE, 1 } }, "x")
	expect_eq(changed(), "6")
	-- What is thrown away has changed; but where a file is behind it only the entry goes, and a
	-- marker stays in its place, even if it was a private copy that was lost.
	p:madvise(a + 5 * PAGE, PAGE, "dontneed")
	expect_eq(changed(), kind.flags == "private|anonymous" and "5" or "")
	-- A child that writes its own copy is nobody's business here; of shared memory it has the
	-- same page, but this process does not see the write.
	local c = p:fork()
	c:store(a, 9)
	expect_eq(changed(), "")
	c:exit()
	-- A write through no vma of its own.
	if kind.flags == "shared" then
		p:pwrite(kind.fd, "y", 0)
		expect_eq(changed(), "")
	end
	-- As much as there is room for; the rest stays written.
	for i = 2, 4 do
		p:store(a + i * PAGE, 3)
	end
	p:store(a + 7 * PAGE, 3)
	expect_eq(changed { max_pages = 2 }, "2 3")
	expect_eq(changed { vec_len = 1 }, "4")
	expect_eq(changed { return_mask = 0 }, "7")
	-- Nobody asks which: they are protected all the same.
	p:store(a, 4)
	expect_eq(changed { vec = false }, "")
	expect_eq(changed(), "")
	-- Without the protection everything counts as written.
	p:uffd_unregister(u, a, 8 * PAGE)
	expect_eq(#p:pagemap_scan { start = a, len = 8 * PAGE, category_mask = "wpallowed" }, 0)
	local regions = p:pagemap_scan { start = a, len = 8 * PAGE, category_mask = "written",
		return_mask = 0 }
	expect(#regions == 1 and regions[1].start == a and regions[1].stop == a + 8 * PAGE)
	p:munmap(a, 8 * PAGE)
	p:close(u)
end
