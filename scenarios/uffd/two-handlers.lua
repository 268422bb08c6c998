-- Two descriptors for two ranges of one process, each with its own handler; and one handler's
-- memory in the hands of the other, so that filling has to wait for filling.
--
--     a    by u          b    by v: what u copies from
-- Covers: B17
local p = process()
local u, v = p:userfaultfd(), p:userfaultfd()
p:uffd_api(u)
p:uffd_api(v)
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local a, b = p:mmap { len = 2 * PAGE }, p:mmap { len = 2 * PAGE, flags = "shared|anonymous" }
p:uffd_register(u, a, 2 * PAGE, "missing")
p:uffd_register(v, b, 2 * PAGE, "missing")
local reader = p:thread(function()
	expect_eq(p:read(a, 1), "s")
	expect_eq(p:read(b + PAGE, 1), "s")
end)
local first = p:thread(function()
	expect_eq(p:uffd_read(u).addr, a)
	-- Its source is missing, too: this waits for the other.
	expect_eq(p:uffd_copy(u, a, b, PAGE), PAGE)
end)
local m = p:uffd_read(v)
expect(m.addr == b and m.flags == "")
p:uffd_copy(v, b, src, PAGE)
first:join()
m = p:uffd_read(v)
expect_eq(m.addr, b + PAGE)
-- Either may fill either's range, as both are of this process.
expect_eq(p:uffd_copy(u, b + PAGE, src, PAGE, "dontwake"), PAGE)
-- But to wake, it must be the one that was told.
p:uffd_wake(u, b + PAGE, PAGE)
expect(not reader:done())
p:uffd_wake(v, b + PAGE, PAGE)
reader:join()
