-- only: model (what happens depends on the order)
-- A page is poisoned while a thread faults on it: the thread waits and is woken, or comes later;
-- either way it is the end of its access.
-- explore: --memory weak
-- Covers: B17, P5
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap{ len = PAGE }
p:uffd_register(u, a, PAGE, "missing")

concurrent(function()
	expect_signal("SIGBUS", p.load, p, a)
end, function()
	p:uffd_poison(u, a, PAGE)
end)
