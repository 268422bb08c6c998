-- COPY over a range: what came before the page that cannot be is done, and said in the structure.
--
--     dst   0    4    8   12        page 2 is there already
-- Covers: B9, B17, B19
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local src = p:mmap { len = 4 * PAGE }
p:write(src, ("s"):rep(4 * PAGE))
local a = p:mmap { len = 4 * PAGE }
p:write(a + 2 * PAGE, "there")
p:uffd_register(u, a, 4 * PAGE, "missing")
local ok, failure = pcall(function() p:uffd_copy(u, a, src, 4 * PAGE) end)
expect(not ok and failure.errno == "EAGAIN" and failure.words[5] == 2 * PAGE)
expect_eq(p:mincore(a, 4 * PAGE), "1110")
local function refused(errno, ...)
	local arguments = { ... }
	expect_errno(errno, function() p:uffd_copy(u, table.unpack(arguments)) end)
end
refused("EEXIST", a, src, PAGE)
refused("EINVAL", a + 8, src, PAGE)
refused("EINVAL", a, src, 0)
refused("EINVAL", a, src, PAGE + 1)
refused("EINVAL", a + 3 * PAGE, src, PAGE, 4)
refused("ENOENT", 0x20000000, src, PAGE)
refused("ENOENT", a + 3 * PAGE, src, 2 * PAGE)
refused("EINVAL", 0xfffffffffffff000, src, 2 * PAGE)
refused("EFAULT", a + 3 * PAGE, 0x20000000, PAGE)
expect_eq(p:uffd_copy(u, a + 3 * PAGE, src + 1, PAGE), PAGE)
expect_eq(p:mincore(a, 4 * PAGE), "1111")
-- An unaligned source is fine; a mapping that is not registered is not there.
local b = p:mmap { len = PAGE }
refused("ENOENT", b, src, PAGE)
