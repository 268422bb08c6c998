-- The search downwards starts at the base of the mmap area. When no gap below is long enough, a
-- second search goes upwards and also looks at what lies above that base, where the stack of an
-- ordinary program is.
--
--     0x800000                                    base          end of user space
--     |<-------- one mapping without access ------->|<-- 128 MiB --->|
-- Covers: P1
local p = process()
local base = p:mmap { len = PAGE } + PAGE
p:munmap(base - PAGE, PAGE)
p:mmap { addr = 0x800000, len = base - 0x800000, prot = "none",
	flags = "private|anonymous|fixed|noreserve" }

local first = p:mmap { len = 32 * M + PAGE }
expect(first == base)
local second = p:mmap { len = 32 * M + PAGE, prot = "r" }
expect(second == first + 32 * M + PAGE)
p:write(first, "above")
expect(p:read(first, 5) == "above")

-- A hole in between is found from below here: the lowest that is long enough.
p:munmap(first + PAGE, 16 * M)
p:munmap(second, 16 * M + PAGE)
expect(p:mmap { len = 16 * M - PAGE, prot = "none" } == first + PAGE)

-- More than there is anywhere.
expect_errno("ENOMEM", function() p:mmap { len = 128 * M, prot = "none" } end)
