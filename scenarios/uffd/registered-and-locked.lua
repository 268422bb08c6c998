-- mlock on registered memory: locking brings in what is missing, through the handler; onfault does
-- not. A locked page can be protected like any other.
-- Covers: B17
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u)
	local a = p:mmap { len = 3 * PAGE, flags = flags }
	p:uffd_register(u, a, 3 * PAGE, "missing|wp")
	local function told()
		p:uffd_wait(u)
		return p:uffd_read(u)
	end
	p:mlock2(a, 3 * PAGE, "onfault")
	expect(p:poll(u) == "" and p:smaps(a).rss == 0)
	p:munlock(a, 3 * PAGE)
	-- Private memory is locked as if written, shared memory as if read.
	local private = flags == "private|anonymous"
	local t = p:thread(function() p:mlock(a, 2 * PAGE) end)
	for i = 0, 1 do
		expect_eq(told().flags, private and "write" or "")
		p:uffd_copy(u, a + i * PAGE, src, PAGE, "wp")
		if private then
			expect_eq(told().flags, "write|wp")
			p:uffd_writeprotect(u, a + i * PAGE, PAGE, "")
		end
	end
	t:join()
	expect_eq(p:smaps(a).locked, 2 * PAGE)
	p:uffd_writeprotect(u, a, 2 * PAGE, "wp")
	expect_errno("EINVAL", function() p:madvise(a, PAGE, "dontneed") end)
	expect(p:pagemap(a).uffd_wp)
	p:close(u)
	p:munmap(a, 3 * PAGE)
end
-- With future locks what is mapped is not registered yet: it is brought in at once.
p:mlockall("future")
local a = p:mmap { len = PAGE }
expect(p:pagemap(a).present)
