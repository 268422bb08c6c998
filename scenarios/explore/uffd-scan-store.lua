-- only: model (what happens depends on the order)
-- A page is written while a scan reports what was written and protects it again: the write is in
-- that report or in the next one, so whoever copies what is reported ends up with it.
-- Covers: B17, G1
local p = process()
local u = p:userfaultfd("nonblock")
p:uffd_api(u, "wp_async|wp_unpopulated|pagefault_flag_wp")
local a = p:mmap{ len = PAGE }
p:store(a, 1)
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
local copy = 1

local function copy_what_changed()
	local _, _, found = p:pagemap_scan{ start = a, len = PAGE,
		flags = "wp_matching|check_wpasync", category_mask = "written" }
	if found > 0 then
		copy = p:load(a)
	end
end
concurrent(copy_what_changed, function()
	p:store(a, 2)
end)
copy_what_changed()
expect_eq(copy, 2)
