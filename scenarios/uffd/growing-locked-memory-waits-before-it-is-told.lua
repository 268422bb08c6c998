-- Locked memory that moves as it grows is populated before anyone is told that it has moved. While
-- the event waits nothing can be filled, so that who faults can only be let go: the new part is
-- unregistered, populated with zeros, and then the event comes.
--
--     a    0 1        b    0 1 2     registered; b has one page more
-- Covers: B17
local p = process()
local src = p:mmap { len = PAGE }
for _, kind in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "event_remap")
	local area = p:mmap { addr = 0x10000000, len = 3 * PAGE, flags = "private|anonymous|fixed" }
	local a = p:mmap { addr = area + PAGE, len = PAGE, flags = kind .. "|fixed" }
	-- There is no room behind it.
	p:write(a, "x")
	p:uffd_register(u, a, PAGE, "missing")
	p:mlock(a, PAGE)
	local b
	local t = p:thread(function()
		b = p:try("mremap", a, PAGE, 2 * PAGE, "maymove")
	end)
	if kind:find("private") then
		p:uffd_wait(u)
		local m = p:uffd_read(u)
		expect_eq(m.event, "pagefault")
		local new = m.addr
		expect_errno("EAGAIN", function() p:uffd_copy(u, new, src, PAGE) end)
		expect_errno("EAGAIN", function() p:uffd_zeropage(u, new, PAGE) end)
		p:uffd_unregister(u, new, PAGE)
		p:uffd_wait(u)
		m = p:uffd_read(u)
		expect(m.event == "remap" and m.from == a and m.to == new - PAGE)
	else
		-- The file has no second page.
		p:uffd_wait(u)
		expect_eq(p:uffd_read(u).event, "remap")
	end
	t:join()
	expect_eq(p:read(b, 1), "x")
	p:munmap(b, 2 * PAGE)
	p:munmap(area, 3 * PAGE)
	p:close(u)
end
