-- A copy is under way, waiting for its source, when another thread changes the mappings: what it
-- did by then counts, the rest is refused until the event has been read, and may be done then.
-- Covers: B17
local p = process()
local page = p:mmap { len = PAGE }
p:write(page, ("s"):rep(PAGE))

local changes = {
	{ "remove", function(a) p:madvise(a + 3 * PAGE, PAGE, "dontneed") end },
	{ "unmap", function(a) p:munmap(a + 3 * PAGE, PAGE) end },
	{ "remap", function(a)
		p:mremap(a + 3 * PAGE, PAGE, PAGE, "maymove|fixed", a + 8 * PAGE)
	end },
	{ "fork", function() p:fork():exit() end },
}

for _, change in ipairs(changes) do
	for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
		local u, v = p:userfaultfd("nonblock"), p:userfaultfd("nonblock")
		p:uffd_api(u, "event_" .. change[1])
		p:uffd_api(v)
		local a = p:mmap { len = 9 * PAGE, flags = flags }
		p:munmap(a + 8 * PAGE, PAGE)
		p:uffd_register(u, a, 4 * PAGE, "missing")
		local src = p:mmap { len = 2 * PAGE }
		p:write(src, ("c"):rep(PAGE))
		p:uffd_register(v, src, 2 * PAGE, "missing")

		local copier = p:thread(function()
			local failure = expect_errno("EAGAIN", function()
				p:uffd_copy(u, a, src, 2 * PAGE)
			end)
			expect_eq(failure.words[5], PAGE)
		end)
		p:uffd_wait(v)
		expect_eq(p:uffd_read(v).addr, src + PAGE)
		local changer = p:thread(function() change[2](a) end)
		p:uffd_wait(u)
		p:uffd_copy(v, src + PAGE, page, PAGE)
		copier:join()
		-- Not even one page now.
		local failure = expect_errno("EAGAIN", function()
			p:uffd_copy(u, a + PAGE, src, PAGE)
		end)
		expect_eq(failure.words[5], -11)
		expect(not changer:done())

		local m = p:uffd_read(u)
		expect_eq(m.event, change[1])
		changer:join()
		p:uffd_copy(u, a + PAGE, src + PAGE, PAGE)
		expect(p:read(a, 1) == "c" and p:read(a + PAGE, 1) == "s")
		if m.fd then
			p:close(m.fd)
		end
		p:close(u)
		p:close(v)
		p:munmap(a, 9 * PAGE)
	end
end
