-- The area of the highest priority is filled first.
-- Covers: P3
local p = process()
local low = p:swapon(64, 1)
local high = p:swapon(64, 5)
local a = p:mmap { len = 8 * PAGE }
for i = 0, 7 do
	p:write(a + i * PAGE, "page " .. i)
end
p:madvise(a, 8 * PAGE, "pageout")
-- The area that holds nothing can go, and nothing comes home by that.
p:swapoff(low)
expect(p:smaps(a).swap == 8 * PAGE)
p:swapoff(high)
expect(p:smaps(a).swap == 0)
expect_eq(p:read(a + 7 * PAGE, 6), "page 7")
