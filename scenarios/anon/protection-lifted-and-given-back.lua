-- Taking rights away keeps the pages; giving them back needs no fault, or one that finds
-- everything in place.
--
-- With PROT_NONE the entries stay, unusable: the pages are still resident, counted and
-- reported by mincore and pagemap, and still this process's own.
--
--     0    4    8                A written   Z zero page
--     A    Z    ·    prot "rw"
--     A    Z    ·    prot "none": nothing can be reached, nothing is lost
--     A    Z    ·    prot "rw" again
local p = process()
local a = p:mmap { len = 12 * K }
p:write(a, "kept")
expect(p:load(a + 4 * K, 1) == 0)

for _, prot in ipairs { "none", "r", "rx" } do
	p:mprotect(a, 12 * K, prot)
	expect(p:mincore(a, 12 * K) == "110")
	local page = p:pagemap(a)
	expect(page.present and page.exclusive)
	expect(p:pagemap(a + 4 * K).present)
	local vma = p:smaps(a)
	expect(vma.rss == 4 * K and vma.private_dirty == 4 * K)
	for i = 0, 2 do
		local fault = expect_signal("SIGSEGV", function() p:store(a + i * 4 * K, 1) end)
		expect(fault.code == "SEGV_ACCERR")
	end
	if prot == "none" then
		expect_signal("SIGSEGV", function() p:load(a) end)
	end
	p:mprotect(a, 12 * K, "rw")
	expect(p:read(a, 4) == "kept")
	p:write(a, "kept")
	expect(p:pagemap(a).exclusive)
end

-- Reading an untouched page that may only be executed and read brings the zero page.
p:mprotect(a, 12 * K, "rx")
expect(p:load(a + 8 * K) == 0)
expect(p:mincore(a, 12 * K) == "111")
p:mprotect(a, 12 * K, "rw")
p:write(a + 4 * K, "new")
p:write(a + 8 * K, "new")
expect(p:smaps(a).rss == 12 * K)

-- A shared page is not made writable by mprotect: that would show the child's bytes to us.
local c = p:fork()
c:mprotect(a, 12 * K, "r")
c:mprotect(a, 12 * K, "rw")
expect(not c:pagemap(a).exclusive)
expect(c:smaps(a).shared_dirty == 12 * K)
c:write(a, "mine")
expect(p:read(a, 4) == "kept")
expect(c:read(a, 4) == "mine")
expect(c:pagemap(a).exclusive)
-- The one that is left with the page writes it where it is, also after a detour.
p:mprotect(a, 12 * K, "none")
p:mprotect(a, 12 * K, "rw")
p:write(a, "back")
expect(p:pagemap(a).exclusive)
expect(c:read(a, 4) == "mine")
