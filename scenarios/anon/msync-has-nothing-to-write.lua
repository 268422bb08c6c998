-- Memory without a file has nothing to be written back: msync only checks what it is given. With
-- MS_INVALIDATE it refuses locked memory, and a hole is told at the end.
--
--          0    4    8
--     a    WW|LL·WW·           L is locked
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 2 * PAGE, flags = fixed }
p:mmap { addr = a + 2 * PAGE, len = 2 * PAGE, flags = fixed .. "|locked" }
p:mmap { addr = a + 5 * PAGE, len = 2 * PAGE, flags = fixed }
p:write(a, "dirty")

for _, flags in ipairs { "async", "sync", "invalidate", "async|invalidate", "sync|invalidate",
	0 } do
	p:msync(a, 2 * PAGE, flags)
	p:msync(a, 1, flags)
	p:msync(0x20000000, 0, flags)
	expect_errno("ENOMEM", function() p:msync(a + 4 * PAGE, 2 * PAGE, flags) end)
	expect_errno("ENOMEM", function() p:msync(a + 5 * PAGE, 3 * PAGE, flags) end)
	expect_errno("ENOMEM", function() p:msync(a, -PAGE, flags) end)
	expect_errno("EINVAL", function() p:msync(a + 1, PAGE, flags) end)
end
expect(p:read(a, 5) == "dirty" and p:smaps(a).private_dirty == PAGE)

-- Locked memory.
p:msync(a, 4 * PAGE, "sync")
expect_errno("EBUSY", function() p:msync(a, 4 * PAGE, "invalidate") end)
expect_errno("EBUSY", function() p:msync(a + 2 * PAGE, 4 * PAGE, "sync|invalidate") end)
expect_errno("EBUSY", function() p:msync(a - PAGE, 4 * PAGE, "invalidate") end)
expect_errno("ENOMEM", function() p:msync(a + 4 * PAGE, PAGE, "invalidate") end)

-- Flags: unknown ones, and the pair that contradicts itself.
expect_errno("EINVAL", function() p:msync(a, PAGE, "sync|async") end)
expect_errno("EINVAL", function() p:msync(a, PAGE, 8) end)
expect_errno("EINVAL", function() p:msync(a, -PAGE, 8) end)
expect_errno("EINVAL", function() p:msync(0x20000000, 0, "sync|async") end)
