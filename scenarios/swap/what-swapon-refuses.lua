-- An area needs a page besides its header, ten to the kernel; one that is gone cannot go again.
-- Covers: P3
local p = process()
expect_errno("EINVAL", function() p:swapon(0) end)
expect_errno("EINVAL", function() p:swapon(1) end)
local area = p:swapon(10)
local a = p:mmap { len = 4 * PAGE }
p:write(a, ("x"):rep(4 * PAGE))
p:madvise(a, 4 * PAGE, "pageout")
expect(p:smaps(a).swap == 4 * PAGE)
p:swapoff(area)
expect_errno("EINVAL", function() p:swapoff(area) end)
expect_eq(p:read(a, 1), "x")
