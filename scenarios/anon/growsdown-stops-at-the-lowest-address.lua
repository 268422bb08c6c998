-- A stack does not grow below the lowest address that mmap gives out, though a mapping can be
-- put there with MAP_FIXED. A hint below it is raised to it.
-- Covers: P1, P5

local p = process()
local lowest = p:mmap{ addr = PAGE, len = PAGE }
expect(lowest % PAGE == 0 and lowest < 1*M)
p:munmap(lowest, PAGE)

local a = p:mmap{ addr = lowest + 2*PAGE, len = PAGE, prot = "rw",
	flags = "private|anonymous|fixed|growsdown" }
if lowest > PAGE then
	expect_signal("SIGSEGV", function() p:read(lowest - PAGE, 1) end)
	expect(p:maps(a).start == a)
end
p:write(lowest, "x")
expect(p:maps(a).start == lowest)
