-- A fill that meets something half way keeps what it did, says how much that was, and wakes who
-- waited there; one that cannot do even its first page says why, in the structure, too.
--
--     page    0 1: to be filled   2: there already   3
-- Covers: B9, B17, B19
local p = process()
local src = p:mmap { addr = 0x40000000, len = 4 * PAGE, flags = "private|anonymous|fixed" }
p:write(src, ("s"):rep(4 * PAGE))
local memory = { ["private|anonymous"] = {}, ["shared|anonymous"] = {}, shared = {}, private = {} }
local fills = {
	copy = { word = 5, call = function(u, a, len) return p:uffd_copy(u, a, src, len) end },
	zeropage = { word = 4, call = function(u, a, len) return p:uffd_zeropage(u, a, len) end },
	poison = { word = 4, call = function(u, a, len) return p:uffd_poison(u, a, len) end },
	continue = { word = 4, minor = true, call = function(u, a, len)
		return p:uffd_continue(u, a, len) end },
	move = { word = 5, anonymous = true, call = function(u, a, len)
		p:write(src, ("s"):rep(4 * PAGE))
		return p:uffd_move(u, a, src, len) end },
}
for flags in pairs(memory) do
	for name, fill in pairs(fills) do
		local private = flags == "private|anonymous"
		if fill.minor and private or fill.anonymous and not private then
			goto continue
		end
		local fd = not flags:find("anonymous") and p:memfd_create("f") or nil
		if fd then
			p:ftruncate(fd, 4 * PAGE)
		end
		local u = p:userfaultfd("nonblock")
		p:uffd_api(u, "thread_id|exact_address")
		local a = p:mmap { addr = 0x10000000, len = 4 * PAGE, flags = flags .. "|fixed",
			fd = fd }
		if fill.minor then
			for i = 0, 3 do
				p:load(a + i * PAGE)
			end
			p:madvise(a, 4 * PAGE, "dontneed")
		end
		p:uffd_register(u, a, 4 * PAGE, fill.minor and "minor|missing" or "missing")
		fill.call(u, a + 2 * PAGE, PAGE)
		local t = p:thread(function() p:try("load", a + PAGE + 8) end)
		p:uffd_wait(u)
		local m = p:uffd_read(u)
		expect(m.addr == a + PAGE + 8 and m.thread ~= 0)
		expect_eq(m.flags, fill.minor and "minor" or "", name)
		local failure = expect_errno("EAGAIN", function() fill.call(u, a, 4 * PAGE) end)
		expect_eq(failure.words[fill.word], 2 * PAGE, name)
		t:join()
		-- The first page is in the way.
		failure = expect_errno("EEXIST", function() fill.call(u, a, 2 * PAGE) end)
		expect_eq(failure.words[fill.word], -17, name)
		expect_eq(fill.call(u, a + 3 * PAGE, PAGE), PAGE)
		expect_eq(p:poll(u), "")
		p:close(u)
		p:munmap(a, 4 * PAGE)
		if fd then
			p:close(fd)
		end
		::continue::
	end
end
