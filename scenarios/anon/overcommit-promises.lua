-- Private writable memory is promised when it is mapped, and a promise that the machine could never
-- keep is refused: more at once than it has RAM and swap (vm.overcommit_memory is 0). Only what can
-- be written needs one, and MAP_NORESERVE does without.
-- needs: 47-bit addresses
-- Covers: P1
local p = process()
local much = 0x400000000000
local function big(prot, more)
	return p:mmap { len = much, prot = prot, flags = "private|anonymous" .. (more or "") }
end

expect_errno("ENOMEM", function() big("rw") end)
expect_errno("ENOMEM", function() big("wx", "|stack") end)
for _, prot in ipairs { "none", "r", "rx" } do
	local a = big(prot)
	expect(not p:smaps(a).vmflags:find(" ac"))
	expect_errno("ENOMEM", function() p:mprotect(a, much, "rw") end)
	expect(p:maps(a).stop == a + much)
	p:munmap(a, much)
end

-- Without a promise: growing is free, changing rights is, and the pages come as they are touched.
local a = big("rw", "|noreserve")
expect(p:smaps(a).vmflags == "rd wr mr mw me nr")
p:store(a + much // 2, 1)
expect(p:smaps(a).rss == PAGE)
p:mprotect(a, much, "r")
p:mprotect(a, much, "rw")
p:munmap(a + PAGE, much - PAGE)
expect(p:mremap(a, PAGE, much, "maymove") == a)
p:munmap(a, much)

-- Growing what was promised asks again; so does leaving a copy behind.
local b = p:mmap { len = PAGE }
expect_errno("ENOMEM", function() p:mremap(b, PAGE, much, "maymove") end)
local start = p:brk()
expect(p:brk(start + much) == start)

-- A stack's promise is asked for as it grows; droppable memory is never promised.
local d = p:mmap { len = much, flags = "droppable|anonymous" }
expect(p:smaps(d).vmflags:find(" nr"))

-- A child needs the same promises as its parent once more, and none for the rest.
local c = p:fork()
expect(c:smaps(b).vmflags == "rd wr mr mw me ac")
expect(c:maps(d).stop - c:maps(d).start == much)
