-- only: model (what happens depends on the order)
-- The heap shrinks while another thread writes to it.
-- Covers: P1
local p = process()
local start = p:brk()
p:brk(start + 2 * PAGE)
p:store(start, 1)

concurrent(function()
	local ok, signal = p:try("store", start + PAGE, 2)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:brk(start + PAGE)
end)

expect(p:load(start) == 1)
