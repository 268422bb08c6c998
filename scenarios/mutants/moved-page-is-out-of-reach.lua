-- only: model (which thread comes first differs from run to run)
-- A page moves away under a reader and is given back at its new address at once. The reader
-- sees what was there or is refused; it never reaches the frame after that.
--
--     0    4    8          16
--     S    M    S    ···   M      S stays, so that the page table does   M moves
-- Covers: P1
machine { cpus = 4 }
local p = process()
local a = p:mmap { len = 12 * K }
for i = 0, 2 do
	p:store(a + i * 4 * K, 1)
end
local old, new = a + 4 * K, a - 64 * K
local reader = p:thread(function()
	local seen, why
	repeat
		seen, why = p:try("load", old)
		expect(seen == 1 or why == "SIGSEGV", "a freed frame was read")
	until not seen
end)
local mover = p:thread(function() p:mremap(old, 4 * K, 4 * K, "maymove|fixed", new) end)
local dropper = p:thread(function()
	while not p:try("madvise", new, 4 * K, "dontneed") do
		yield()
	end
end)
reader:join()
mover:join()
dropper:join()
