-- A data limit of zero is no limit for mmap, up to the hard limit (programs that emulate brk
-- rely on it), but brk cannot move at all. A limit of one page limits both.

local p = process()
local heap = p:brk(0)

p:setrlimit("data", 0)
local a = p:mmap{ len = 4*PAGE, prot = "rw" }
p:write(a, "data")
expect(p:brk(heap + PAGE) == heap)

p:munmap(a, 4*PAGE)
p:setrlimit("data", PAGE)
expect_errno("ENOMEM", function() p:mmap{ len = 2*PAGE, prot = "rw" } end)
expect(p:brk(heap + PAGE) == heap + PAGE)
expect_errno("ENOMEM", function() p:mmap{ len = PAGE, prot = "rw" } end)
p:mmap{ len = PAGE, prot = "r" }
