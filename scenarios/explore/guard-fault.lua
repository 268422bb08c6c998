-- only: model (what happens depends on the order)
-- A guard is installed while another thread touches the page.
-- Faults and zaps may chase each other for ever, so that not every execution can be seen.
-- explore: --strategy pos --executions 20000
-- Covers: P1, P5
local p = process()
local a = p:mmap{ len = 2 * PAGE }
p:store(a + PAGE, 7)

concurrent(function()
	local ok, signal = p:try("store", a, 1)
	expect(ok or signal == "SIGSEGV")
end, function()
	p:madvise(a, PAGE, "guard_install")
end)

expect_signal("SIGSEGV", p.load, p, a)
p:madvise(a, PAGE, "guard_remove")
expect(p:load(a) == 0)
