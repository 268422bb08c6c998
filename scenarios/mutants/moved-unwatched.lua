-- Moved by mremap, and the handler not told: protection does not go along, and writes are free.
-- Covers: B15
local p = process()
p:swapon(16)
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "sigbus")
	local a = p:mmap { len = 3 * PAGE, flags = flags }
	p:write(a, "in")
	p:write(a + PAGE, "out")
	p:uffd_register(u, a, 3 * PAGE, "wp")
	p:uffd_writeprotect(u, a, 3 * PAGE, "wp")
	p:madvise(a + PAGE, PAGE, "pageout")
	local b = p:mremap(a, 3 * PAGE, 3 * PAGE, "maymove|fixed", 0x10000000)
	for i = 0, 2 do
		expect(not p:pagemap(b + i * PAGE).uffd_wp)
		p:write(b + i * PAGE, "free")
	end
	p:munmap(b, 3 * PAGE)
	p:close(u)
end
