-- A fault on memory registered for missing pages waits; the handler is told where and fills the
-- page.
--
--     kind        anonymous, shared anonymous, memfd shared, memfd private
-- Covers: B1, B3, B17
local p = process()
local src = p:mmap { len = 2 * PAGE }
p:write(src, ("s"):rep(2 * PAGE))
local function memory(kind)
	if kind == "anon" then
		return p:mmap { len = 4 * PAGE }
	elseif kind == "shared" then
		return p:mmap { len = 4 * PAGE, flags = "shared|anonymous" }
	end
	local fd = p:memfd_create("m")
	p:ftruncate(fd, 4 * PAGE)
	return p:mmap { len = 4 * PAGE, flags = kind == "memfd" and "shared" or "private", fd = fd }
end
for _, kind in ipairs { "anon", "shared", "memfd", "private" } do
	local u = p:userfaultfd()
	p:uffd_api(u)
	local a = memory(kind)
	expect_eq(p:uffd_register(u, a, 4 * PAGE, "missing"), "wake|copy|zeropage|move|poison")
	local t = p:thread(function()
		expect_eq(p:read(a + 5, 3), "sss")
		p:write(a + PAGE + 1, "w")
	end)
	local m = p:uffd_read(u)
	expect(m.event == "pagefault" and m.flags == "" and m.addr == a)
	expect_eq(p:uffd_copy(u, a, src, PAGE), PAGE)
	m = p:uffd_read(u)
	expect(m.flags == "write" and m.addr == a + PAGE)
	expect_eq(p:uffd_copy(u, a + PAGE, src, PAGE), PAGE)
	t:join()
	expect_eq(p:read(a + PAGE, 3), "sws")
	-- What is there is not filled again.
	expect_errno("EEXIST", function() p:uffd_copy(u, a, src, PAGE) end)
	expect(p:pagemap(a).present)
	p:uffd_unregister(u, a, 4 * PAGE)
	expect(p:load(a + 2 * PAGE) == 0)
	p:close(u)
end
