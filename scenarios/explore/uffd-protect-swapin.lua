-- only: model (what happens depends on the order)
-- A page in swap is protected while a thread reads it in: the slot's entry is protected, or the
-- page's.
-- Covers: B7, B10
local p = process()
p:swapon(16)
local u = p:userfaultfd()
p:uffd_api(u, "sigbus")
local a = p:mmap{ len = PAGE }
p:store(a, 7)
p:uffd_register(u, a, PAGE, "wp")
p:madvise(a, PAGE, "pageout")

concurrent(function()
	p:uffd_writeprotect(u, a, PAGE, "wp")
end, function()
	expect_eq(p:load(a), 7)
end)
expect(p:pagemap(a).uffd_wp and p:load(a) == 7)
expect_signal("SIGBUS", p.store, p, a, 1)
