-- Features that change what a message says.
-- Covers: B17
local p = process()
for _, features in ipairs { "", "thread_id", "exact_address" } do
	local u = p:userfaultfd()
	p:uffd_api(u, features)
	local a = p:mmap { len = PAGE }
	p:uffd_register(u, a, PAGE, "missing")
	local t = p:thread(function() p:load(a + 72) end)
	local m = p:uffd_read(u)
	expect_eq(m.addr, features == "exact_address" and a + 72 or a)
	expect((m.thread ~= 0) == (features == "thread_id"))
	p:uffd_zeropage(u, a, PAGE)
	t:join()
	p:close(u)
end
