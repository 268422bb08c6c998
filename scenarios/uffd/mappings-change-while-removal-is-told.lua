-- While the handler is told that memory is going to be dropped, others may change the mappings. The
-- call goes on with what it finds afterwards, piece by piece, and each piece that is registered is
-- told again.
--
--     page    0 1 2 3 4 5 6 7     1 to 4 are dropped
-- Covers: B17
local p = process()
local A = 0x10000000
local flags_now
local changes = {
	nothing = function() end,
	unmap_all = function() p:munmap(A, 8 * PAGE) end,
	unmap_first = function() p:munmap(A, 2 * PAGE) end,
	unmap_rest = function() p:munmap(A + 2 * PAGE, 6 * PAGE) end,
	unmap_middle = function() p:munmap(A + 2 * PAGE, PAGE) end,
	lock = function() p:mlock2(A, 8 * PAGE, "onfault") end,
	lock_middle = function() p:mlock2(A + 2 * PAGE, PAGE, "onfault") end,
	protect = function() p:mprotect(A, 8 * PAGE, "none") end,
	split = function() p:mprotect(A + 2 * PAGE, PAGE, "r") end,
	replace = function()
		p:mmap { addr = A, len = 8 * PAGE, flags = flags_now .. "|fixed" }
		p:write(A, ("n"):rep(8 * PAGE))
	end,
}
-- What the call gives, and the pages that each message after the first is about.
local expected = {
	nothing = { "ok" }, unmap_all = { "ENOMEM" }, unmap_first = { "ENOMEM" },
	unmap_rest = { "ENOMEM" }, unmap_middle = { "ENOMEM", "3-5" }, lock = { "EINVAL" },
	lock_middle = { "EINVAL" }, protect = { "ok" }, split = { "ok", "2-3", "3-5" },
	replace = { "ok" },
}
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for name, change in pairs(changes) do
		for _, advice in ipairs { "dontneed", "dontneed_locked", "free" } do
			if advice == "free" and flags == "shared|anonymous" then
				goto continue
			end
			local want = expected[name]
			if advice == "dontneed_locked" and name:find("lock") then
				want = expected[name == "lock" and "nothing" or "split"]
			end
			flags_now = flags
			local u = p:userfaultfd("nonblock")
			p:uffd_api(u, "event_remove")
			p:mmap { addr = A, len = 8 * PAGE, flags = flags .. "|fixed" }
			p:write(A, ("x"):rep(8 * PAGE))
			p:uffd_register(u, A, 8 * PAGE, "wp")
			local ok, errno
			local t = p:thread(function()
				ok, errno = p:try("madvise", A + PAGE, 4 * PAGE, advice)
			end)
			p:uffd_wait(u)
			change()
			for i = 1, #want do
				p:uffd_wait(u)
				local m = p:uffd_read(u)
				expect_eq(("%d-%d"):format((m.start - A) // PAGE,
					(m.stop - A) // PAGE), i == 1 and "1-5" or want[i], name)
			end
			t:join()
			expect_eq(ok and "ok" or errno, want[1], name .. ", " .. advice)
			expect_eq(p:poll(u), "")
			p:close(u)
			p:munmap(A, 8 * PAGE)
			::continue::
		end
	end
end
