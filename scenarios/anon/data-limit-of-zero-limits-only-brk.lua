-- A data limit of zero is no limit for mmap, up to the hard limit (programs that emulate brk
-- rely on it), but brk cannot move at all. A limit of one page limits both.
-- Covers: P1

local p = process()
local heap = p:brk(0)

p:brk(heap + 2*PAGE)
p:setrlimit("data", 0)
local a = p:mmap{ len = 4*PAGE, prot = "rw" }
p:write(a, "data")
for pages = 0, 3 do
	expect(p:brk(heap + pages*PAGE) == heap + 2*PAGE)
end

p:munmap(a, 4*PAGE)
p:setrlimit("data", "unlimited")
expect(p:brk(heap) == heap)
p:setrlimit("data", PAGE)
expect_errno("ENOMEM", function() p:mmap{ len = 2*PAGE, prot = "rw" } end)
expect(p:brk(heap + PAGE) == heap + PAGE)
expect_errno("ENOMEM", function() p:mmap{ len = PAGE, prot = "rw" } end)
p:mmap{ len = PAGE, prot = "r" }
