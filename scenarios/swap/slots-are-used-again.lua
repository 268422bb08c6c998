-- Slots of what is unmapped, dropped or brought back and written are free for others: as much as
-- the area holds may go out again and again.
-- Covers: P3
local p = process()
p:swapon(129)
local pages = 96
for round = 1, 4 do
	local a = p:mmap { len = pages * PAGE }
	p:write(a, (("%d"):format(round)):rep(pages * PAGE))
	p:madvise(a, pages * PAGE, "pageout")
	expect(p:smaps(a).swap == pages * PAGE)
	if round == 1 then
		p:madvise(a, pages * PAGE, "dontneed")
	elseif round == 2 then
		local c = p:fork()
		p:munmap(a, pages * PAGE)
		expect_eq(c:read(a + 5 * PAGE, 1), "2")
		c:exit()
	elseif round == 3 then
		p:mmap { addr = a, len = pages * PAGE, flags = "private|anonymous|fixed" }
	else
		expect_eq(p:read(a + 95 * PAGE, 1), "4")
	end
end
