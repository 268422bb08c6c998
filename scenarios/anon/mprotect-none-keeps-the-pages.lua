-- Without access a page stays where it is and keeps what it holds. Only the rights are gone, for
-- the process and for anyone who acts for it, until they are given back.
-- Covers: P1, P2
local p, q = process(), process()
local a = p:mmap { len = 4 * PAGE }
p:write(a, "secret")
p:load(a + PAGE)

p:mprotect(a, 4 * PAGE, "none")
expect(p:smaps(a).rss == PAGE and p:smaps(a).private_dirty == PAGE)
expect(p:pagemap(a).present and p:pagemap(a).exclusive)
expect(p:pagemap(a + PAGE).present)
expect(p:mincore(a, 4 * PAGE) == "1100")
for _, addr in ipairs { a, a + PAGE, a + 2 * PAGE } do
	for _, access in ipairs { "load", "exec" } do
		local fault = expect_signal("SIGSEGV", function() p[access](p, addr) end)
		expect(fault.code == "SEGV_ACCERR" and fault.addr == addr)
	end
end
expect_errno("EFAULT", function() q:vm_readv(p, { { a, 6 } }) end)
expect_errno("EFAULT", function() p:pin(a, PAGE) end)
-- Faulting it in is refused.
expect_errno("EINVAL", function() p:madvise(a, PAGE, "populate_read") end)

-- Read only: a write is refused, the page is still the same.
p:mprotect(a, 4 * PAGE, "r")
expect(p:read(a, 6) == "secret" and q:vm_readv(p, { { a, 6 } }) == "secret")
expect(expect_signal("SIGSEGV", function() p:store(a, 1) end).code == "SEGV_ACCERR")
expect_errno("EFAULT", function() q:vm_writev(p, { { a, 6 } }, "public") end)

-- Through a fork without access: the child has the page too, and it is shared.
p:mprotect(a, 4 * PAGE, "none")
local c = p:fork()
expect(p:smaps(a).shared_dirty == PAGE)
c:mprotect(a, 4 * PAGE, "rw")
expect(c:read(a, 6) == "secret")
c:write(a, "public")
p:mprotect(a, 4 * PAGE, "rw")
expect(p:read(a, 6) == "secret")
p:write(a + PAGE, "zero page no more")
expect(p:pagemap(a + PAGE).exclusive)
