-- move_pages without nodes says on which node each page is, or why it cannot be said.
-- Covers: P1
local p = process()
local fd = p:memfd_create("where")
p:ftruncate(fd, 8 * K)
local a = p:mmap { len = 16 * K }
p:write(a, "here")
p:load(a + 4 * K)
local s = p:mmap { len = 12 * K, flags = "shared", fd = fd }
p:write(s, "shared")
local function where(addr, pages)
	return table.concat(p:move_pages(addr, pages), " ")
end
-- The zero page is nobody's to move; a page that was not touched is not there.
expect_eq(where(a, 4), "0 EFAULT ENOENT ENOENT")
expect_eq(where(a + 16 * K, 1), "EFAULT")
expect_eq(where(s, 3), "0 ENOENT ENOENT")
expect_errno("EINVAL", function() p:move_pages(a, 1, 0, 1) end)
expect_errno("EINVAL", function() p:move_pages(a, 1, 0, 0x100) end)
