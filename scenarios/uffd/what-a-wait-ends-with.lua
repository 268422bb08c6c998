-- Who waited makes the access anew, and finds whatever is there by then: a page, nothing, a mapping
-- that forbids it, another mapping, poison; or it waits again.
-- Covers: B9, B15, B17, P5
local p = process()
local A, TO = 0x10000000, 0x30000000
local src = p:mmap { len = PAGE }
p:store(src, 7)
local u
local function wake()
	p:uffd_wake(u, A, PAGE)
end
local changes = {
	copy = function() p:uffd_copy(u, A, src, PAGE) end,
	copy_protected = function() p:uffd_copy(u, A, src, PAGE, "wp") end,
	fill_read_only = function() p:mprotect(A, PAGE, "r") p:uffd_zeropage(u, A, PAGE) end,
	forbid = function() p:mprotect(A, PAGE, "none") wake() end,
	guard = function() p:madvise(A, PAGE, "guard_install") wake() end,
	move_away = function() p:mremap(A, PAGE, PAGE, "maymove|fixed", TO) wake() end,
	nothing = function() wake() end,
	poison = function() p:uffd_poison(u, A, PAGE) end,
	protect = function() p:uffd_writeprotect(u, A, PAGE, "wp") wake() end,
	replace = function()
		p:mmap { addr = A, len = PAGE, flags = "private|anonymous|fixed" }
		wake()
	end,
	unmap = function() p:munmap(A, PAGE) wake() end,
	unregister = function() p:uffd_unregister(u, A, PAGE) end,
}
-- What a load and a store come to, and with which flags the store or both are told again.
local expected = {
	copy = { 7, "done" }, copy_protected = { 7, "done", store = "write|wp" },
	fill_read_only = { 0, "SIGSEGV" }, forbid = { "SIGSEGV", "SIGSEGV" },
	guard = { "SIGSEGV", "SIGSEGV" }, move_away = { "SIGSEGV", "SIGSEGV" },
	nothing = { 0, "done", load = "", store = "write" }, poison = { "SIGBUS", "SIGBUS" },
	protect = { 0, "done", load = "", store = "write" }, replace = { 0, "done" },
	unmap = { "SIGSEGV", "SIGSEGV" }, unregister = { 0, "done" },
}
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	for name, change in pairs(changes) do
		for i, access in ipairs { "load", "store" } do
			u = p:userfaultfd("nonblock")
			p:uffd_api(u)
			p:mmap { addr = A, len = PAGE, flags = flags .. "|fixed" }
			p:uffd_register(u, A, PAGE, "missing|wp")
			local got, errno
			local t = p:thread(function()
				got, errno = p:try(access, A, access == "store" and 1 or nil)
			end)
			p:uffd_wait(u)
			expect_eq(p:uffd_read(u).flags, access == "store" and "write" or "")
			change()
			local again = expected[name][access]
			if again then
				p:uffd_wait(u)
				expect_eq(p:uffd_read(u).flags, again, name)
				p:uffd_writeprotect(u, A, PAGE, "")
				if again ~= "write|wp" then
					p:uffd_zeropage(u, A, PAGE)
				end
			end
			t:join()
			got = access == "store" and got and "done" or got or errno
			expect_eq(got, expected[name][i], name .. ", " .. access)
			expect_eq(p:poll(u), "")
			p:close(u)
			p:munmap(A, PAGE)
			p:munmap(TO, PAGE)
		end
	end
end
