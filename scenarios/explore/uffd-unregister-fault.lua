-- only: model (what happens depends on the order)
-- A range is unregistered while a thread faults on it: who waits goes on, who comes later does not
-- wait.
-- explore: --memory weak
-- Covers: B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u)
local a = p:mmap{ len = PAGE }
p:uffd_register(u, a, PAGE, "missing")

concurrent(function()
	p:store(a, 7)
end, function()
	p:uffd_unregister(u, a, PAGE)
end)
expect(p:load(a) == 7)
