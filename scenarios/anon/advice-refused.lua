-- What madvise refuses, and what it does before it refuses.
--
-- An unknown advice, an address that is no page's, a range that wraps: EINVAL, before anything
-- is looked at. A hole: ENOMEM, after everything around it is done. Nothing to do: 0, whatever
-- is there.
-- Covers: P1
local p = process()
local a = p:mmap { len = 12 * K }
p:write(a, "first")
p:write(a + 8 * K, "third")

local every = { "normal", "random", "sequential", "willneed", "dontneed", "free", "dontfork",
	"dofork", "mergeable", "unmergeable", "hugepage", "nohugepage", "dontdump", "dodump",
	"wipeonfork", "keeponfork", "cold", "pageout", "populate_read", "populate_write",
	"dontneed_locked", "guard_install", "guard_remove", "remove", "collapse" }
for _, advice in ipairs(every) do
	expect_errno("EINVAL", function() p:madvise(a + 1, 4 * K, advice) end)
	expect_errno("EINVAL", function() p:madvise(a, -1, advice) end)
	expect_errno("EINVAL", function() p:madvise(a, -4 * K, advice) end)
	p:madvise(a, 0, advice)
	p:madvise(0, 0, advice)
	expect_errno("EINVAL", function() p:madvise(a + 1, 0, advice) end)
end
expect(p:read(a, 5) == "first" and p:read(a + 8 * K, 5) == "third")

-- Numbers that are no advice. Poisoning pages for good is only asked for where it is refused
-- anyway.
for _, advice in ipairs { 5, 6, 7, 26, 99, 104, 1000, -1 } do
	expect_errno("EINVAL", function() p:madvise(a, 4 * K, advice) end)
	expect_errno("EINVAL", function() p:madvise(a, 0, advice) end)
end
for _, advice in ipairs { "hwpoison", "soft_offline" } do
	expect_errno("EINVAL", function() p:madvise(a + 1, 4 * K, advice) end)
end

-- There is no file to punch a hole in.
expect_errno("EINVAL", function() p:madvise(a, 4 * K, "remove") end)
p:mlock(a, 4 * K)
expect_errno("EINVAL", function() p:madvise(a, 4 * K, "remove") end)
p:munlock(a, 4 * K)

-- Nor anything in swap to read ahead, wherever it is.
p:madvise(a, 12 * K, "willneed")
p:mprotect(a, 4 * K, "none")
p:madvise(a, 12 * K, "willneed")
p:mprotect(a, 4 * K, "rw")

-- A hole in the middle, at the start, at the end; nothing at all; beyond the user's half.
--     0    4    8   12
--     A    ·    A
p:munmap(a + 4 * K, 4 * K)
for _, advice in ipairs { "normal", "willneed", "dontneed", "free", "cold", "pageout", "dodump",
	"guard_remove" } do
	expect_errno("ENOMEM", function() p:madvise(a, 12 * K, advice) end)
	expect_errno("ENOMEM", function() p:madvise(a + 4 * K, 8 * K, advice) end)
	expect_errno("ENOMEM", function() p:madvise(a, 8 * K, advice) end)
	expect_errno("ENOMEM", function() p:madvise(a + 4 * K, 4 * K, advice) end)
	expect_errno("ENOMEM", function() p:madvise(0x7ffffffff000, 4 * K, advice) end)
	expect_errno("ENOMEM", function() p:madvise(0x8000000000000000, 4 * K, advice) end)
end
p:write(a, "first")
p:write(a + 8 * K, "third")
expect_errno("ENOMEM", function() p:madvise(a, 12 * K, "dontneed") end)
expect(p:load(a) == 0 and p:load(a + 8 * K) == 0)
