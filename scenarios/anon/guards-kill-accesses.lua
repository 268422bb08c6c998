-- A guard is an entry that ends every access with SIGSEGV, in the middle of a mapping that
-- stays whole.
--
-- It holds no page. The signal says SEGV_MAPERR or SEGV_ACCERR as the kernel decides for a
-- fault that the mapping allows; reads, writes, fetches and other processes all meet it.
--
--     0    4    8   12   16   20
--     A    A    Z    ·    A         A written   Z zero page   · untouched
--     A    G    G    G    A         G guard
-- Covers: A2, A3, P5
local p = process()
local a = p:mmap { len = 20 * K, prot = "rwx" }
p:write(a, "first")
p:write(a + 4 * K, "second")
expect(p:load(a + 8 * K) == 0)
p:write(a + 16 * K, "last")

p:madvise(a + 4 * K, 12 * K, "guard_install")
expect(p:layout(a, 5) == "XXXXX")
expect(p:mincore(a, 20 * K) == "10001")
local vma = p:smaps(a)
expect(vma.size == 20 * K and vma.rss == 8 * K and vma.anonymous == 8 * K)
for i, page in ipairs(p:pagemap(a, 5)) do
	expect_eq(page.guard, i >= 2 and i <= 4, "page " .. i)
	expect_eq(page.present, i == 1 or i == 5, "page " .. i)
end

for i = 1, 3 do
	local at = a + i * 4 * K + 16
	for _, access in ipairs {
		function() p:load(at) end,
		function() p:store(at, 1) end,
		function() p:fetch_add(at, 1) end,
		function() p:exec(at) end,
	} do
		local fault = expect_signal("SIGSEGV", access)
		expect(fault.code == "SEGV_MAPERR" and fault.addr == at)
	end
end
expect(p:read(a, 5) == "first" and p:read(a + 16 * K, 4) == "last")

-- A copy stops in front of it, and so does another process's.
local fault = expect_signal("SIGSEGV", function() p:write(a + 4 * K - 3, "abcdef") end)
expect(fault.addr == a + 4 * K)
expect(p:read(a + 4 * K - 3, 3) == "abc")
expect(p:vm_readv(p, { { a + 4 * K - 3, 6 } }) == "abc")
expect_errno("EFAULT", function() p:vm_writev(p, { { a + 4 * K, 1 } }, "x") end)

-- Removing a guard leaves nothing: the next access finds zeros, whatever was there before.
p:madvise(a + 4 * K, 4 * K, "guard_remove")
expect(not p:pagemap(a + 4 * K).guard and p:mincore(a + 4 * K, 4 * K) == "0")
expect(p:load(a + 4 * K) == 0)
expect_signal("SIGSEGV", function() p:load(a + 8 * K) end)
-- Removing it everywhere does not touch pages.
p:madvise(a, 20 * K, "guard_remove")
expect(p:read(a, 4) == "firs" and p:read(a + 16 * K, 4) == "last")
p:write(a + 8 * K, "usable")
expect(p:mincore(a, 20 * K) == "11101")

-- Installing one twice is installing it once; over a whole mapping it empties it.
p:madvise(a, 20 * K, "guard_install")
p:madvise(a, 20 * K, "guard_install")
expect(p:smaps(a).rss == 0 and p:mincore(a, 20 * K) == "00000")
