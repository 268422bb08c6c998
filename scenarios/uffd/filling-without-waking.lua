-- Every ioctl that fills may leave the waking to UFFDIO_WAKE: who waits goes on waiting until then.
-- Over what is not registered none of them fills.
-- Covers: B17, B19
local p = process()
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
p:pwrite(fd, "f")
local src = p:mmap { len = PAGE }
local free = p:mmap { len = PAGE, flags = "shared|anonymous" }
p:write(src, "s")
local fills = {
	{ "zeropage", "missing", function(u, a, mode) p:uffd_zeropage(u, a, PAGE, mode) end, "\0" },
	{ "copy", "missing", function(u, a, mode) p:uffd_copy(u, a, src, PAGE, mode) end, "s" },
	{ "continue", "minor", function(u, a, mode) p:uffd_continue(u, a, PAGE, mode) end, "f" },
	{ "poison", "missing", function(u, a, mode) p:uffd_poison(u, a, PAGE, mode) end },
	{ "move", "missing", function(u, a, mode) p:uffd_move(u, a, src, PAGE, mode) end, "s" },
}
for _, fill in ipairs(fills) do
	local u = p:userfaultfd()
	p:uffd_api(u)
	local a = p:mmap { len = PAGE, flags = fill[2] == "minor" and "shared"
		or "private|anonymous",
		fd = fill[2] == "minor" and fd or nil }
	-- Moving is not for shared memory at all.
	expect_errno(fill[1] == "move" and "EINVAL" or "ENOENT", function() fill[3](u, free) end)
	p:uffd_register(u, a, PAGE, fill[2])
	local t = p:thread(function()
		if fill[4] then
			expect_eq(p:read(a, 1), fill[4], fill[1])
		else
			expect_signal("SIGBUS", p.load, p, a)
		end
	end)
	expect_eq(p:uffd_read(u).addr, a)
	fill[3](u, a, "dontwake")
	expect(not t:done(), fill[1])
	p:uffd_wake(u, a, PAGE)
	t:join()
	p:close(u)
end
