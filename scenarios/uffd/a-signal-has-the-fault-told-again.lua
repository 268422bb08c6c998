-- A thread that waits for the handler leaves off when a signal comes, runs the signal's handler,
-- and makes the access again: the fault is told again, as often as signals come.
-- Covers: B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "wp_unpopulated|missing_shmem|minor_shmem|wp_hugetlbfs_shmem")
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local a = p:mmap { len = 2 * PAGE }
p:write(a + PAGE, "p")
p:uffd_register(u, a, 2 * PAGE, "missing|wp")
p:uffd_writeprotect(u, a + PAGE, PAGE, "wp")

local function told(addr, flags)
	p:uffd_wait(u)
	local m = p:uffd_read(u)
	expect(m.addr == addr and m.flags == flags)
	expect_errno("EAGAIN", function() p:uffd_read(u) end)
end

for _, case in ipairs { { a, "write" }, { a + PAGE, "write|wp" } } do
	local t = p:thread(function() p:write(case[1], "w") end)
	told(case[1], case[2])
	t:signal()
	told(case[1], case[2])
	t:signal()
	told(case[1], case[2])
	expect(not t:done())
	if case[1] == a then
		p:uffd_copy(u, a, src, PAGE)
	else
		p:uffd_writeprotect(u, a + PAGE, PAGE, "")
	end
	t:join()
	expect_errno("EAGAIN", function() p:uffd_read(u) end)
end
expect_eq(p:read(a, 2), "ws")
expect_eq(p:read(a + PAGE, 2), "w\0")
-- One that does not wait notices nothing.
local t = p:thread(function()
	p:load(a)
	p:signal()
	p:load(a)
end)
t:join()
