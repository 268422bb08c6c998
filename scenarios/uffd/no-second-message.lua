-- One protection is told once, whatever the page is when it is protected, and whatever becomes of
-- it between the message and its end: the writer goes on with at most one fault more that nobody is
-- told of, and so do those who write after it.
-- Covers: B16, B10, B4
local p = process()
p:swapon(64)

local states = {
	{ "written", function(a) p:write(a, "s") end },
	{ "only read", function(a) p:load(a) end },
	{ "never touched", function() end },
	{ "in swap", function(a) p:write(a, "s"); p:madvise(a, PAGE, "pageout") end },
	{ "back from swap, clean", function(a)
		p:write(a, "s")
		p:madvise(a, PAGE, "pageout")
		p:load(a)
	end },
	{ "shared with a child", function(a) p:write(a, "s"); return p:fork() end },
	{ "left by a child", function(a) p:write(a, "s"); p:fork():exit() end },
	{ "made read-only and back", function(a)
		p:write(a, "s")
		p:mprotect(a, PAGE, "r")
		p:mprotect(a, PAGE, "rw")
	end },
}

local events = {
	{ "nothing", function() end },
	{ "goes to swap", function(_, a) p:madvise(a, PAGE, "pageout") end },
	{ "comes back", function(_, a) p:madvise(a, PAGE, "pageout"); p:load(a) end },
	{ "fork", function() return p:fork() end },
	{ "a child comes and goes", function() p:fork():exit() end },
	{ "protected again", function(u, a) p:uffd_writeprotect(u, a, PAGE, "wp") end },
	{ "made read-only and back", function(_, a)
		p:mprotect(a, PAGE, "r")
		p:mprotect(a, PAGE, "rw")
	end },
}

local ends = {
	{ "resolved", function(u, a) p:uffd_writeprotect(u, a, PAGE, "") end },
	{ "resolved, then woken", function(u, a)
		p:uffd_writeprotect(u, a, PAGE, "dontwake")
		p:uffd_wake(u, a, PAGE)
	end },
}

local function once(state, event, how)
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u, "pagefault_flag_wp|wp_unpopulated|wp_hugetlbfs_shmem")
	local pages, children = {}, {}
	for i, flags in ipairs { "private|anonymous", "shared|anonymous" } do
		pages[i] = p:mmap { len = PAGE, flags = flags }
		children[#children + 1] = state[2](pages[i])
		p:uffd_register(u, pages[i], PAGE, "wp")
		p:uffd_writeprotect(u, pages[i], PAGE, "wp")
	end
	local t = p:thread(function()
		for _, a in ipairs(pages) do
			p:write(a, "w")
			p:write(a + 1, "W")
		end
	end)
	for i, a in ipairs(pages) do
		local what = ("page %d: %s, %s, %s"):format(i, state[1], event[1], how[1])
		p:uffd_wait(u)
		local m = p:uffd_read(u)
		expect(m.addr == a and m.flags == "write|wp", what)
		children[#children + 1] = event[2](u, a)
		how[2](u, a)
	end
	t:join()
	expect_eq(p:poll(u), "", state[1] .. event[1])
	for _, a in ipairs(pages) do
		p:write(a + 2, "!")
		expect_eq(p:read(a, 3), "wW!")
		expect(not p:pagemap(a).uffd_wp)
	end
	expect_eq(p:poll(u), "")
	for _, child in ipairs(children) do
		child:exit()
	end
	p:close(u)
	for _, a in ipairs(pages) do
		p:munmap(a, PAGE)
	end
end

for i, state in ipairs(states) do
	for k, event in ipairs(events) do
		once(state, event, ends[(i + k) % #ends + 1])
	end
end
