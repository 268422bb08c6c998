-- fork copies the address space as it is: rights, advice, heap, stacks, pages in every state,
-- limits; only locks and pins stay with the parent.
--
--         0    4    8   12   16   20   24   28   32
--     p   A    R    N    F    Z    ·    G    L          R written, read-only   F lazily freed
--     c   A    R    N    F    Z    ·    G    A          N written, no access   G guard
--                                                       L locked   Z zero page   · untouched
-- Covers: P1, P2
local p = process()
local a = p:mmap { len = 32 * K }
for _, i in ipairs { 0, 1, 2, 3, 7 } do
	p:write(a + i * 4 * K, "page " .. i)
end
p:mprotect(a + 4 * K, 4 * K, "r")
p:mprotect(a + 8 * K, 4 * K, "none")
p:madvise(a + 12 * K, 4 * K, "free")
expect(p:load(a + 16 * K) == 0)
p:madvise(a + 24 * K, 4 * K, "guard_install")
p:mlock(a + 28 * K, 4 * K)
local heap = p:brk()
p:brk(heap + 8 * K)
p:write(heap, "heap")
local stack = p:mmap { addr = a - 16 * M, len = 8 * K, flags = "private|anonymous|growsdown|fixed" }
p:write(stack, "stack")
local lazy = p:mmap { addr = a - 8 * M, len = 8 * K, flags = "private|anonymous|fixed|noreserve" }
p:madvise(lazy, 4 * K, "random")
p:madvise(lazy + 4 * K, 4 * K, "dontdump")
local only_read = p:mmap { addr = a - 4 * M, len = 4 * K, prot = "r",
	flags = "private|anonymous|fixed" }
expect(p:load(only_read) == 0)

local c = p:fork()
expect(c:layout(a, 8) == "w|r|-|wwww|w" and p:layout(a, 8) == "w|r|-|wwww|w")
expect(c:mincore(a, 32 * K) == "11111001")
expect(c:pagemap(a + 24 * K).guard)
expect_signal("SIGSEGV", function() c:load(a + 24 * K) end)
expect_signal("SIGSEGV", function() c:load(a + 8 * K) end)
expect_signal("SIGSEGV", function() c:store(a + 4 * K, 1) end)
expect(c:read(a + 4 * K, 6) == "page 1")
c:mprotect(a + 4 * K, 8 * K, "rw")
expect(c:read(a + 8 * K, 6) == "page 2")
c:write(a + 8 * K, "PAGE 2")
p:mprotect(a + 8 * K, 4 * K, "r")
expect(p:read(a + 8 * K, 6) == "page 2")

-- What the parent gave up is given up for the child too, as long as neither writes it.
expect(c:read(a + 12 * K, 6) == "page 3")
c:write(a + 12 * K, "mine")
expect(p:read(a + 12 * K, 6) == "page 3")

-- Locks are the parent's.
expect(not c:smaps(a + 28 * K).vmflags:find("lo") and c:status().vmlck == 0)
expect(p:smaps(a + 28 * K).vmflags:find("lo"))

-- Heap and stack go on from where they were, in each on its own.
expect(c:brk() == heap + 8 * K)
expect(c:brk(heap + 16 * K) == heap + 16 * K)
expect(p:brk() == heap + 8 * K)
expect(c:read(heap, 4) == "heap" and c:maps(heap).name == "[heap]")
c:write(stack - 8 * K, "grown")
expect(c:maps(stack).start == stack - 8 * K and p:maps(stack).start == stack)

-- Advice is inherited with its mapping.
for _, at in ipairs { a, lazy, lazy + 4 * K, stack, only_read } do
	expect(c:smaps(at).vmflags == p:smaps(at).vmflags)
end

-- So are limits, and the lack of rights.
p:setrlimit("memlock", 4 * K)
p:setrlimit("data", 1 * M)
p:cap_ipc_lock(false)
local d = p:fork()
expect_errno("ENOMEM", function() d:mlock(a, 8 * K) end)
d:mlock(a, 4 * K)
expect_errno("ENOMEM", function() d:mmap { len = 1 * M } end)
