-- COPY reads its source as the caller would, if only the caller may write there: what is missing
-- comes from the file, what cannot be read is EFAULT and nothing is filled, and what came before it
-- counts. Sealing a file against writes does not seal it against a mapping that could write before.
-- Covers: B2, B17, B19
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("s"):rep(PAGE))
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local a = p:mmap { len = 8 * PAGE }
p:uffd_register(u, a, 8 * PAGE, "missing")
local fd = p:memfd_create("f")
p:ftruncate(fd, PAGE)
local file = p:mmap { len = 2 * PAGE, flags = "shared", fd = fd }
local none = p:mmap { len = PAGE, prot = "none" }
local write_only = p:mmap { len = PAGE, prot = "w" }
local guard = p:mmap { len = PAGE }
p:madvise(guard, PAGE, "guard_install")
local poison = p:mmap { len = PAGE }
p:uffd_register(u, poison, PAGE, "missing")
p:uffd_poison(u, poison, PAGE)
expect_eq(p:uffd_copy(u, a, file, PAGE), PAGE)
-- To read what may be written is allowed on this processor.
expect_eq(p:uffd_copy(u, a + PAGE, write_only, PAGE), PAGE)
for _, from in ipairs { file + PAGE, none, guard, poison, file + PAGE // 2, 0x10000000 } do
	local failure = expect_errno("EFAULT", function() p:uffd_copy(u, a + 2 * PAGE, from,
		PAGE) end)
	expect_eq(failure.words[5], -14)
end
local failure = expect_errno("EAGAIN", function() p:uffd_copy(u, a + 2 * PAGE, file, 2 * PAGE) end)
expect_eq(failure.words[5], PAGE)
expect_eq(p:mincore(a, 8 * PAGE), "11100000")

local sealed = p:memfd_create("sealed", "allow_sealing")
p:ftruncate(sealed, 4 * PAGE)
local shared = p:mmap { len = 4 * PAGE, flags = "shared", fd = sealed }
p:uffd_register(u, shared, 4 * PAGE, "missing")
p:add_seals(sealed, "future_write|grow|shrink")
expect_eq(p:uffd_copy(u, shared, src, PAGE), PAGE)
expect_eq(p:uffd_zeropage(u, shared + PAGE, PAGE), PAGE)
expect_eq(p:pread(sealed, 1), "s")
local private = p:mmap { len = 4 * PAGE, flags = "private", fd = sealed }
p:uffd_register(u, private, 4 * PAGE, "missing|wp")
expect_eq(p:uffd_copy(u, private, src, PAGE), PAGE)
expect_eq(p:uffd_copy(u, private + 3 * PAGE, src, PAGE, "wp"), PAGE)
expect(p:pagemap(private + 3 * PAGE).uffd_wp)
local late = p:mmap { len = 4 * PAGE, prot = "r", flags = "shared", fd = sealed }
expect_errno("EPERM", function() p:uffd_register(u, late, 4 * PAGE, "missing") end)

-- Over several tables at once.
local LEN = 5 * M
local big = p:mmap { addr = 0x20000000, len = LEN, flags = "private|anonymous|fixed" }
p:madvise(big, LEN, "nohugepage")
p:write(big, ("b"):rep(PAGE))
p:write(big + LEN - PAGE, ("e"):rep(PAGE))
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local to = p:mmap { addr = 0x30000000 + PAGE, len = LEN, flags = flags .. "|fixed" }
	p:madvise(to, LEN, "nohugepage")
	p:uffd_register(u, to, LEN, "missing")
	expect_eq(p:uffd_copy(u, to, big, LEN), LEN)
	expect_eq(p:read(to, 1) .. p:read(to + LEN - 1, 1), "be")
	expect_eq(p:smaps(to).rss, LEN)
	p:munmap(to, LEN)
end
