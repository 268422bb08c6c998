-- process_vm_readv and process_vm_writev move bytes between two address spaces, range by
-- range, and stop at the first page that cannot be had.
--
-- What was moved before that is the result; only when it is nothing there is an error.
--
--         0    4    8   12   16   20   24
--     q   w    w    r    -    G    ·    W      r read only   - no access   G guard
--                                              W write only  · nothing
-- Covers: P1
local p, q = process(), process()
local a = q:mmap { len = 28 * K }
q:write(a, ("first page "):rep(372) .. "the second")
q:write(a + 8 * K, "third")
q:mprotect(a + 8 * K, 4 * K, "r")
q:mprotect(a + 12 * K, 4 * K, "none")
q:madvise(a + 16 * K, 4 * K, "guard_install")
q:munmap(a + 20 * K, 4 * K)
q:mprotect(a + 24 * K, 4 * K, "w")

-- Several ranges in the order given, across pages, overlapping, empty ones too.
local text = q:read(a, 8 * K)
expect(p:vm_readv(q, { { a + 4 * K - 6, 12 }, { a + 3, 0 }, { a, 5 }, { a, 5 } }) ==
	text:sub(4 * K - 5, 4 * K + 6) .. "firstfirst")
expect(p:vm_readv(q, { { a + 8 * K, 5 } }) == "third")
expect(p:vm_readv(q, {}) == "")
-- A buffer that is shorter ends it, one that is longer does not matter.
expect(p:vm_readv(q, { { a, 100 }, { a + 8 * K, 5 } }, 3) == "fir")
expect(p:vm_readv(q, { { a, 5 } }, 100) == "first")
expect(p:vm_readv(q, { { a + 12 * K, 5 } }, 0) == "")

expect(p:vm_writev(q, { { a + 4 * K - 2, 4 }, { a, 3 } }, "abcdEFG") == 7)
expect(q:read(a + 4 * K - 2, 4) == "abcd" and q:read(a, 5) == "EFGst")
expect(p:vm_writev(q, { { a, 100 } }, "short") == 5)
expect(p:vm_writev(q, { { a, 2 } }, "no more than two") == 2)
expect(q:read(a, 5) == "noort")

-- What stops it: in the middle it is a shorter result, at the start EFAULT.
expect(#p:vm_readv(q, { { a + 8 * K, 8 * K } }) == 4 * K)
expect(#p:vm_readv(q, { { a + 8 * K, 5 }, { a + 12 * K, 5 }, { a, 5 } }) == 5)
expect(p:vm_writev(q, { { a + 4 * K, 8 * K } }, ("x"):rep(8 * K)) == 4 * K)
for name, place in pairs { none = a + 12 * K, guard = a + 16 * K, hole = a + 20 * K,
	write_only = a + 24 * K, null = 0, kernel = 0xffff800000000000,
	end_of_half = 0x7ffffffff000,
	not_canonical = 0x8000000000000000 } do
	local _, got = p:try("vm_readv", q, { { place, 5 } })
	expect_eq(got, "EFAULT", name)
end
for name, place in pairs { read_only = a + 8 * K, none = a + 12 * K, guard = a + 16 * K,
	hole = a + 20 * K } do
	local _, got = p:try("vm_writev", q, { { place, 5 } }, "12345")
	expect_eq(got, "EFAULT", name)
end
expect(p:vm_writev(q, { { a + 24 * K, 5 } }, "12345") == 5)
q:mprotect(a + 24 * K, 4 * K, "r")
expect(q:read(a + 24 * K, 5) == "12345")

-- It is an access: pages come as for a load or a store.
local b = q:mmap { len = 12 * K, prot = "rwx" }
expect(p:vm_readv(q, { { b, 4 } }) == "\0\0\0\0")
expect(q:smaps(b).rss == 0 and q:mincore(b, 12 * K) == "100")
expect(p:vm_writev(q, { { b + 4 * K - 1, 2 } }, "xy") == 2)
expect(q:smaps(b).private_dirty == 8 * K and q:mincore(b, 12 * K) == "110")
-- On oneself it works the same.
expect(q:vm_readv(q, { { b + 4 * K - 1, 2 } }) == "xy")

-- Refused before anything is moved.
for _, flags in ipairs { 1, 2, 1 << 40, -1 } do
	expect_errno("EINVAL", function() p:vm_readv(q, { { a, 5 } }, nil, flags) end)
	expect_errno("EINVAL", function() p:vm_writev(q, { { a, 5 } }, "12345", flags) end)
end
expect_errno("EINVAL", function() p:vm_readv(q, { { a, 5 }, { a, -1 } }, 5) end)
expect_errno("EINVAL", function() p:vm_writev(q, { { a, 1 << 63 } }, "x") end)
-- 1024 ranges are allowed, one more is not.
local many = {}
for i = 1, 1024 do
	many[i] = { b + 4 * K - 1 + i % 2, 1 }
end
expect(p:vm_readv(q, many) == ("yx"):rep(512))
many[1025] = { b, 1 }
expect_errno("EINVAL", function() p:vm_readv(q, many) end)

-- A range that runs beyond the end of everything: as far as there is memory.
expect(#p:vm_readv(q, { { b + 8 * K, 1 << 40 } }, 8 * K) > 0)

-- A process that has ended is no process.
local c = q:fork()
expect(p:vm_readv(c, { { b + 4 * K - 1, 2 } }) == "xy")
c:exit()
expect_errno("ESRCH", function() p:vm_readv(c, { { b, 1 } }) end)
expect_errno("ESRCH", function() p:vm_writev(c, { { b, 1 } }, "x") end)
