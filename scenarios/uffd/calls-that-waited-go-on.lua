-- A call that fills memory, or copies it, waits at the first missing page. Meanwhile the rest of
-- its range changes: it goes on with what is there, and ends as if it had been called then.
--
--     A    0 1 2 3     0 1: registered and missing; 2 3: what changes
-- Covers: B17, B19, P1
local p, q = process(), process()
local A = 0x10000000
local LEN, PART = 4 * PAGE, 2 * PAGE + 8
local src = p:mmap { len = PAGE }
local calls = {
	populate_read = function() p:madvise(A, LEN, "populate_read") return "ok" end,
	populate_write = function() p:madvise(A, LEN, "populate_write") return "ok" end,
	mlock = function() p:mlock(A, LEN) return "ok" end,
	readv = function() return #q:vm_readv(p, { { A, PART } }) end,
	writev = function() return q:vm_writev(p, { { A, PART } }, ("w"):rep(PART)) end,
}
local u
local rest = A + 2 * PAGE
local changes = {
	nothing = function() end,
	unmap = function() p:munmap(rest, 2 * PAGE) end,
	forbid = function() p:mprotect(rest, 2 * PAGE, "none") end,
	read_only = function() p:mprotect(rest, 2 * PAGE, "r") end,
	poison = function()
		p:uffd_register(u, rest, 2 * PAGE, "wp")
		p:uffd_poison(u, rest, 2 * PAGE)
	end,
	split = function() p:mlock2(A + PAGE, PAGE, "onfault") end,
}
local expected = {
	populate_read = { unmap = "ENOMEM", forbid = "EINVAL", poison = "EHWPOISON" },
	populate_write = { unmap = "ENOMEM", forbid = "EINVAL", poison = "EHWPOISON",
		read_only = "EINVAL" },
	mlock = { forbid = "ENOMEM", poison = "ENOMEM" },
	readv = { unmap = 2 * PAGE, forbid = 2 * PAGE, poison = 2 * PAGE },
	writev = { unmap = 2 * PAGE, forbid = 2 * PAGE, poison = 2 * PAGE, read_only = 2 * PAGE },
}
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for call, fn in pairs(calls) do
		for name, change in pairs(changes) do
			u = p:userfaultfd("nonblock")
			p:uffd_api(u)
			p:mmap { addr = A, len = LEN, flags = flags .. "|fixed" }
			p:uffd_register(u, A, 2 * PAGE, "missing")
			local got
			local t = (call:find("v$") and q or p):thread(function()
				local ok, failure = pcall(fn)
				got = ok and failure or failure.errno
			end)
			p:uffd_wait(u)
			expect_eq(p:uffd_read(u).addr, A)
			change()
			p:uffd_copy(u, A + PAGE, src, PAGE)
			p:uffd_copy(u, A, src, PAGE)
			t:join()
			expect_eq(got, expected[call][name] or call:find("v$") and PART or "ok",
				call .. ", " .. name)
			p:close(u)
			p:munmap(A, LEN)
		end
	end
end
-- A mapping that is to be populated is there, and empty, until its handler knows what it replaced.
u = p:userfaultfd("nonblock")
p:uffd_api(u, "event_unmap")
p:mmap { addr = A, len = LEN, flags = "private|anonymous|fixed" }
p:uffd_register(u, A, LEN, "missing")
local t = p:thread(function()
	p:mmap { addr = A, len = LEN, flags = "private|anonymous|fixed|populate" }
end)
p:uffd_wait(u)
expect_eq(p:mincore(A, LEN), "0000")
expect_eq(p:uffd_read(u).event, "unmap")
t:join()
expect_eq(p:mincore(A, LEN), "1111")
