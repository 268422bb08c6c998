-- Closing the descriptor unregisters everything: who waits goes on as if nothing had been
-- registered.
-- Covers: B17
local p = process()
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local u = p:userfaultfd()
	p:uffd_api(u)
	local a = p:mmap { len = 3 * PAGE, flags = flags }
	p:uffd_register(u, a, 3 * PAGE, "missing")
	local reader = p:thread(function() expect(p:load(a) == 0) end)
	local writer = p:thread(function() p:store(a + PAGE, 7) end)
	local first, second = p:uffd_read(u).addr, p:uffd_read(u).addr
	expect(first ~= second)
	p:close(u)
	reader:join()
	writer:join()
	expect(p:load(a + PAGE) == 7 and not p:smaps(a).vmflags:find("um"))
end
-- Unregistering does the same to a range.
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap { len = 2 * PAGE }
p:uffd_register(u, a, 2 * PAGE, "missing")
local t = p:thread(function() p:store(a, 1) end)
p:uffd_read(u)
p:uffd_unregister(u, a, PAGE)
t:join()
expect(p:load(a) == 1)
expect_eq(p:layout(a, 2), "w|w")
