-- A write to a clean page is reported once: when its protection is lifted the writer goes on,
-- though the entry is not dirty and write permission comes back only with one more fault.
-- Covers: B16
local p = process()
local u = p:userfaultfd()
p:uffd_api(u, "pagefault_flag_wp")
local a = p:mmap { len = PAGE }
p:load(a)
p:uffd_register(u, a, PAGE, "wp")
p:uffd_writeprotect(u, a, PAGE, "wp")
local t = p:thread(function() p:write(a, "w") end)
expect_eq(p:uffd_read(u).flags, "write|wp")
p:uffd_writeprotect(u, a, PAGE, "")
t:join()
expect_eq(p:read(a, 1), "w")
