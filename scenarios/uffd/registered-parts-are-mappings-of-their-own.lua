-- Registering cuts mappings, and what is alike joins again: by descriptor and by mode.
-- Covers: B1
local p = process()
local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
p:uffd_api(u)
p:uffd_api(v)
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local a = p:mmap { addr = 0x10000000, len = 8 * PAGE, flags = flags .. "|fixed" }
	p:uffd_register(u, a + 2 * PAGE, 2 * PAGE, "missing")
	expect_eq(p:layout(a, 8), "ww|ww|wwww")
	p:uffd_register(u, a + 4 * PAGE, 2 * PAGE, "missing")
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	-- The same range and mode again changes nothing.
	p:uffd_register(u, a + 2 * PAGE, 4 * PAGE, "missing")
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	p:uffd_register(v, a + 6 * PAGE, 2 * PAGE, "missing")
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	p:uffd_register(u, a + 2 * PAGE, PAGE, "missing|wp")
	expect_eq(p:layout(a, 8), "ww|w|www|ww")
	p:uffd_register(u, a + 3 * PAGE, 3 * PAGE, "missing|wp")
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	-- Protection of memory cuts what registration joined.
	p:mprotect(a + 3 * PAGE, PAGE, "r")
	expect_eq(p:layout(a, 8), "ww|w|r|ww|ww")
	p:mprotect(a + 3 * PAGE, PAGE, "rw")
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	p:uffd_unregister(u, a + 4 * PAGE, 2 * PAGE)
	expect_eq(p:layout(a, 8), "ww|ww|ww|ww")
	p:uffd_unregister(v, a + 6 * PAGE, 2 * PAGE)
	expect_eq(p:layout(a, 8), "ww|ww|wwww")
	p:uffd_unregister(u, a, 4 * PAGE)
	expect_eq(p:layout(a, 8), "wwwwwwww")
	-- What is mapped over it is not registered; what is cut away leaves the rest so.
	p:uffd_register(u, a, 8 * PAGE, "missing")
	p:mmap { addr = a + PAGE, len = PAGE, flags = flags .. "|fixed" }
	p:munmap(a + 4 * PAGE, PAGE)
	expect_eq(p:layout(a, 8), "w|w|ww.www")
	expect(not p:smaps(a + PAGE).vmflags:find("um")
		and p:smaps(a + 5 * PAGE).vmflags:find("um"))
	p:uffd_unregister(u, a, 8 * PAGE)
	p:munmap(a, 8 * PAGE)
end
-- New neighbours do not join what is registered, and a heap that grows does as it was.
local a = p:mmap { addr = 0x10000000, len = PAGE, flags = "private|anonymous|fixed" }
p:uffd_register(u, a, PAGE, "missing")
p:mmap { addr = a + PAGE, len = PAGE, flags = "private|anonymous|fixed" }
expect_eq(p:layout(a, 2), "w|w")
p:munmap(a + PAGE, PAGE)
p:mremap(a, PAGE, 2 * PAGE)
expect_eq(p:layout(a, 2), "ww")
expect(p:smaps(a + PAGE).vmflags:find("um"))
