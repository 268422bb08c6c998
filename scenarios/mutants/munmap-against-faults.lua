-- only: model (which thread comes first differs from run to run)
-- A thread touches pages while another unmaps some of them: each access works or is refused.
-- Covers: P1, P5
local p = process()
local a = p:mmap { len = 32 * K }
local toucher = p:thread(function()
	for i = 0, 7 do
		local seen, why = p:try("fetch_add", a + i * 4 * K, 1)
		expect(seen == 0 or why == "SIGSEGV")
	end
end)
local unmapper = p:thread(function()
	p:munmap(a + 8 * K, 4 * K)
	p:munmap(a + 20 * K, 8 * K)
end)
toucher:join()
unmapper:join()
expect(p:layout(a, 8) == "ww.ww..w")
