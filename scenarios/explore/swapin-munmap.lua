-- only: model (what happens depends on the order)
-- A write that brings a page in from swap against munmap: the slot is given back once.
-- Covers: P3, P5
local p = process()
p:swapon(16)
local a = p:mmap{ len = PAGE }
p:store(a, 5)
p:madvise(a, PAGE, "pageout")

concurrent(function()
	p:munmap(a, PAGE)
end, function()
	local ok, signal = p:try("store", a, 6)
	expect(ok or signal == "SIGSEGV")
end)

expect(not p:maps(a))
