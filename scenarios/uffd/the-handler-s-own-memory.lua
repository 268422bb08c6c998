-- Nested faults: the handler touches memory that is watched, too, and waits like anybody else, for
-- another thread that handles. COPY reads its source for the caller: what is missing there is told,
-- after a signal again, and a descriptor for user mode alone refuses.
-- Covers: B17, B19
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))

local function watch(flags)
	local u = p:userfaultfd(flags)
	p:uffd_api(u)
	local a = p:mmap { len = 4 * PAGE }
	p:uffd_register(u, a, 4 * PAGE, "missing")
	return u, a
end

-- A second handler, which serves the first fault there is.
local function second(u, addr)
	return p:thread(function()
		local m = p:uffd_read(u)
		expect(m.addr == addr and m.flags == "")
		p:uffd_copy(u, addr, src, PAGE)
	end)
end

local u, a = watch()
local writer = p:thread(function() p:write(a, "w") end)
expect_eq(p:uffd_read(u).addr, a)
local helper = second(u, a + PAGE)
expect_eq(p:read(a + PAGE, 2), "ss")
helper:join()
expect(not writer:done())
-- From a page that is missing itself.
helper = second(u, a + PAGE * 2)
p:uffd_copy(u, a, a + PAGE * 2, PAGE)
helper:join()
writer:join()
expect_eq(p:read(a, 2), "ws")
p:close(u)

-- A fault of a call is told again after a signal, too, but it does not end before it is served.
u, a = watch()
local copier = p:thread(function() p:uffd_copy(u, a, a + PAGE * 2, PAGE) end)
expect_eq(p:uffd_read(u).addr, a + PAGE * 2)
copier:signal()
expect_eq(p:uffd_read(u).addr, a + PAGE * 2)
expect(not copier:done())
p:uffd_copy(u, a + PAGE * 2, src, PAGE)
copier:join()
expect_eq(p:read(a, 2), "ss")
p:close(u)

u, a = watch("user_mode_only")
expect_errno("EFAULT", function() p:uffd_copy(u, a, a + PAGE * 2, PAGE) end)
p:close(u)

-- What get_user_pages waits for, no signal ends.
u, a = watch("nonblock")
for _, call in ipairs {
	function() p:madvise(a, PAGE, "populate_write") end,
	function() p:unpin(p:pin(a + PAGE, PAGE)) end,
} do
	local t = p:thread(call)
	p:uffd_wait(u)
	local m = p:uffd_read(u)
	t:signal()
	expect(not t:done())
	p:uffd_copy(u, m.addr, src, PAGE)
	t:join()
	expect_eq(p:poll(u), "")
end
