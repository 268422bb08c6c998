-- A locked compare-and-exchange writes even when the values differ: it puts back what it read.
--
-- So it faults like a store, whatever the outcome: it breaks copy-on-write, takes a page of
-- its own in place of the zero page, and is refused on memory that may only be read.
-- Covers: P2
local p = process()
local a = p:mmap { len = 8 * K }
expect(p:load(a) == 0)
expect(not p:pagemap(a).exclusive)
expect(p:cmpxchg(a, 5, 6) == 0)
expect(p:load(a) == 0)
expect(p:pagemap(a).exclusive)

p:store(a, 41)
local c = p:fork()
expect(c:cmpxchg(a, 40, 50) == 41)
expect(c:pagemap(a).exclusive)
expect(p:smaps(a).private_dirty == 4 * K)
expect(p:load(a) == 41 and c:load(a) == 41)

-- The other atomics, of every size: the old value comes back, the sum wraps at the size.
for _, size in ipairs { 1, 2, 4, 8 } do
	local ones = size == 8 and -1 or (1 << size * 8) - 1
	p:store(a, 0x1111111111111111)
	p:store(a, -1, size)
	expect(p:fetch_add(a, 2, size) == ones)
	expect(p:load(a, size) == 1)
	expect(p:xchg(a, 7, size) == 1)
	expect(p:cmpxchg(a, 7, 9, size) == 7)
	expect(p:cmpxchg(a, 7, 11, size) == 9)
	expect(p:load(a, size) == 9)
	if size < 8 then
		expect(p:load(a) >> size * 8 == 0x1111111111111111 >> size * 8)
	end
end

p:mprotect(a, 4 * K, "r")
for _, atomic in ipairs {
	function() p:cmpxchg(a, 5, 6) end,
	function() p:xchg(a, 1) end,
	function() p:fetch_add(a, 0) end,
} do
	local fault = expect_signal("SIGSEGV", atomic)
	expect(fault.code == "SEGV_ACCERR" and fault.addr == a)
end
expect(p:load(a) == 9)
-- An atomic that is not aligned, and sizes that no access has, are no question to ask.
for _, size in ipairs { 2, 4, 8 } do
	expect_errno("EINVAL", function() p:fetch_add(a + 1, 1, size) end)
	expect_errno("EINVAL", function() p:xchg(a + 1, 1, size) end)
	expect_errno("EINVAL", function() p:cmpxchg(a + 1, 1, 2, size) end)
end
for _, size in ipairs { 0, 3, 5, 16 } do
	expect_errno("EINVAL", function() p:load(a, size) end)
	expect_errno("EINVAL", function() p:store(a, 1, size) end)
end
