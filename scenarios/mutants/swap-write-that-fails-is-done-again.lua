-- A page that could not be written to swap stays dirty: the next time it is written.
-- only: model (a write that fails)
-- Covers: P3
local p = process()
p:swapon(64)
local a = p:mmap { len = 4 * K }
p:write(a, "kept")
fail { site = "swap_write", nth = 1 }
p:madvise(a, 4 * K, "pageout")
expect_eq(p:read(a, 4), "kept")
p:madvise(a, 4 * K, "pageout")
local _, failed = fail_stats()
expect(failed == 1 and p:pagemap(a).swapped)
expect_eq(p:read(a, 4), "kept")
