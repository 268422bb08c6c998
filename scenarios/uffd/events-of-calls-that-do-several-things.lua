-- One call may be several events: what mremap puts away where it goes, that it went, what it
-- leaves. A heap that shrinks is unmapping. What happens to the file is no event of the mapping.
-- Covers: B15, B17
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "event_remap|event_remove|event_unmap|event_fork")
local A, B = 0x10000000, 0x20000000
local function told(fn, ...)
	local t = p:thread(fn)
	for _, want in ipairs { ... } do
		p:uffd_wait(u)
		local m = p:uffd_read(u)
		expect_eq(m.event, want[1])
		if m.event == "remap" then
			expect(m.from == want[2] and m.to == want[3] and m.len == want[4])
		else
			expect(m.start == want[2] and m.stop == want[3])
		end
	end
	t:join()
	expect_eq(p:poll(u), "")
end
local function flags_of(addr)
	return p:smaps(addr).vmflags
end
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local function registered(addr, mode)
		p:mmap { addr = addr, len = 8 * PAGE, flags = flags .. "|fixed" }
		p:uffd_register(u, addr, 8 * PAGE, mode)
	end
	registered(A, "missing|wp")
	registered(B, "missing")
	-- Where it goes to keeps nothing of what was registered there.
	told(function() p:mremap(A, 4 * PAGE, 4 * PAGE, "maymove|fixed", B) end,
		{ "unmap", B, B + 4 * PAGE }, { "remap", A, B, 4 * PAGE },
		{ "unmap", A, A + 4 * PAGE })
	expect(flags_of(B):find("uw") and not flags_of(B + 4 * PAGE):find("uw"))
	told(function() p:munmap(B, 8 * PAGE) end, { "unmap", B, B + 8 * PAGE })
	-- Unmapping the half that is left tells of all that was asked for.
	told(function() p:munmap(A, 8 * PAGE) end, { "unmap", A, A + 8 * PAGE })
	if flags == "shared|anonymous" then
		-- Shared memory mapped once more, from a length of nothing: both are registered.
		registered(A, "missing|wp")
		p:mmap { addr = B, len = PAGE, flags = "private|anonymous|fixed" }
		told(function() p:mremap(A, 0, 4 * PAGE, "maymove|fixed", B) end,
			{ "remap", A, B, 0 })
		expect_eq(p:layout(A, 8) .. " " .. p:layout(B, 8), "wwwwwwww wwww....")
		expect(flags_of(A):find("uw") and flags_of(B):find("uw"))
		told(function() p:munmap(A, 8 * PAGE) end, { "unmap", A, A + 8 * PAGE })
		told(function() p:munmap(B, 8 * PAGE) end, { "unmap", B, B + 8 * PAGE })
	end
end
local heap = p:brk()
p:brk(heap + 8 * PAGE)
p:uffd_register(u, heap, 8 * PAGE, "missing")
-- The break says whether it worked.
local function shrunk(to)
	expect_eq(p:brk(to), to)
end
told(function() shrunk(heap + 4 * PAGE) end, { "unmap", heap + 4 * PAGE, heap + 8 * PAGE })
-- What grows anew is not registered.
p:brk(heap + 8 * PAGE)
expect_eq(p:layout(heap, 8), "wwww|wwww")
expect(flags_of(heap):find("um") and not flags_of(heap + 4 * PAGE):find("um"))
told(function() shrunk(heap) end, { "unmap", heap, heap + 8 * PAGE })

local fd = p:memfd_create("f")
p:ftruncate(fd, 8 * PAGE)
local s = p:mmap { len = 8 * PAGE, flags = "shared", fd = fd }
p:write(s, ("x"):rep(8 * PAGE))
p:uffd_register(u, s, 8 * PAGE, "missing|wp")
p:uffd_writeprotect(u, s, 8 * PAGE, "wp")
told(function() p:madvise(s, PAGE, "remove") end, { "remove", s, s + PAGE })
told(function() p:fallocate(fd, "punch_hole|keep_size", PAGE, PAGE) end)
told(function() p:ftruncate(fd, 4 * PAGE) end)
told(function() p:ftruncate(fd, 8 * PAGE) end)
-- The registration is there still; what was cut off is missing.
local t = p:thread(function() p:load(s + 5 * PAGE) end)
p:uffd_wait(u)
expect_eq(p:uffd_read(u).addr, s + 5 * PAGE)
p:uffd_zeropage(u, s + 5 * PAGE, PAGE)
t:join()
