-- Between a mapping that may grow down and what is mapped below it a gap of 256 pages is kept: the
-- mapping does not grow into it, and mmap does not place anything there unless told to.
-- Covers: P1
local p = process()
local stack_flags = "private|anonymous|fixed|growsdown"
local gap = 256 * PAGE
local s = p:mmap { addr = 0x10000000, len = PAGE, flags = stack_flags }
local below = s - gap - 8 * PAGE

--           below                     s - gap         s
--     p     B·······|<----- 256 pages ---->|          S
p:mmap { addr = below, len = PAGE, prot = "r" }
p:write(s - 4 * PAGE, "x")
expect(p:maps(s).start == s - 4 * PAGE)
-- The last page that leaves the gap whole, then one too far.
expect(p:load(below + PAGE + gap) == 0)
expect(p:maps(s).start == below + PAGE + gap)
local fault = expect_signal("SIGSEGV", function() p:load(below + gap) end)
expect(fault.code == "SEGV_MAPERR" and fault.addr == below + gap)
expect(p:maps(s).start == below + PAGE + gap)

-- Memory without access is a guard already: nothing further is kept free above it.
p:mprotect(below, PAGE, "none")
p:load(below + PAGE)
expect_eq(p:layout(below, 3), "-|ww")
expect_signal("SIGSEGV", function() p:load(below) end)

-- Another mapping that may grow down needs no gap either.
local t = p:mmap { addr = 0x20000000, len = PAGE, flags = stack_flags }
p:mmap { addr = t - 4 * PAGE, len = PAGE, prot = "r", flags = stack_flags }
p:write(t - 3 * PAGE, "touching")
expect_eq(p:layout(t - 5 * PAGE, 6), ".r|wwww")

-- MAP_FIXED is free to map into the gap; then there is no room to grow at all.
local u = p:mmap { addr = 0x30000000, len = PAGE, flags = stack_flags }
p:mmap { addr = u - 8 * PAGE, len = PAGE, prot = "r", flags = "private|anonymous|fixed" }
expect_signal("SIGSEGV", function() p:load(u - PAGE) end)

-- Where mmap chooses, the gap stays free both below the stack and below what is placed next.
local top = p:mmap { len = PAGE, prot = "r", flags = "private|anonymous|growsdown" }
expect(p:mmap { len = PAGE } == top - gap - PAGE)
