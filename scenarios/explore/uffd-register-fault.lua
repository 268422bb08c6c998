-- only: model (what happens depends on the order)
-- Memory is registered while it is touched first: the touch is over before, or ends with SIGBUS as
-- nobody fills anything; never does a page come in unseen afterwards.
-- Covers: B1, B17
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE, flags = "shared|anonymous" }
local touched

concurrent(function()
	touched = p:try("store", a, 7) ~= nil
end, function()
	p:uffd_register(u, a, PAGE, "missing")
end)
expect_eq(p:pagemap(a).present, touched)
expect(not touched or p:load(a) == 7)
