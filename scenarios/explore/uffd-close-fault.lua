-- only: model (what happens depends on the order)
-- The descriptor is closed while threads fault on what it watches: nobody waits for a handler that
-- is gone.
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
	p:close(u)
end)
expect(p:load(a) == 7 and not p:smaps(a).vmflags:find("um"))
