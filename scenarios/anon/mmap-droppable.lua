-- MAP_DROPPABLE is a kind of mapping beside private and shared: pages that the kernel may take away
-- at any time. They are not promised (noreserve), not in a child and not in a core dump, cannot be
-- locked, and what would contradict that is refused.
-- Covers: P1
local p = process()
local kind = "droppable|anonymous"
local a = p:mmap { len = 4 * PAGE, flags = kind }
expect(p:smaps(a).vmflags == "rd wr mr mw me nr wf dd dp" )
p:write(a, "droppable")
expect(p:read(a, 9) == "droppable")
expect(p:pagemap(a).exclusive)

-- A child sees zeros.
local c = p:fork()
expect(c:read(a, 9) == ("\0"):rep(9))
expect(p:read(a, 9) == "droppable")
c:exit()

-- mlock succeeds and does nothing.
p:mlock(a, 4 * PAGE)
expect(p:smaps(a).locked == 0 and p:status().vmlck == 0)

for _, advice in ipairs { "keeponfork", "dodump" } do
	expect_errno("EINVAL", function() p:madvise(a, PAGE, advice) end)
end
for _, flags in ipairs { "locked", "growsdown" } do
	expect_errno("EINVAL", function() p:mmap { len = PAGE, flags = kind .. "|" .. flags } end)
end
expect_errno("EBADF", function() p:mmap { len = PAGE, flags = "droppable" } end)

-- A neighbour of the same kind joins it.
local b = p:mmap { addr = a - 4 * PAGE, len = 4 * PAGE, flags = kind .. "|fixed" }
expect_eq(p:layout(b, 8), "wwwwwwww")
