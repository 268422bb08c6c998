-- An instruction fetch from memory that may not be executed reads the page in first: only with
-- the page there does the processor see that it must not run it. What may not be read at all
-- is refused at once, and a guard answers before the protection does.
-- Covers: P5

local p = process()
local a = p:mmap{ len = 4*PAGE, prot = "rw" }

local first = expect_signal("SIGSEGV", function() p:exec(a) end)
expect(first.code == "SEGV_ACCERR")
expect(p:pagemap(a).present)
expect(p:mincore(a, 2*PAGE) == "10")
p:mprotect(a, PAGE, "rx")
p:exec(a)

p:mprotect(a + PAGE, PAGE, "none")
expect_signal("SIGSEGV", function() p:exec(a + PAGE) end)
expect(not p:pagemap(a + PAGE).present)

p:madvise(a + 2*PAGE, PAGE, "guard_install")
local guarded = expect_signal("SIGSEGV", function() p:exec(a + 2*PAGE) end)
expect(guarded.code == "SEGV_MAPERR")
