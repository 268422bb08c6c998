-- only: model (what happens depends on the order)
-- A seal against writing and a shared writable mapping: one of them is refused.
-- Covers: P1
local p = process()
local fd = p:memfd_create("sealed", "allow_sealing")
p:ftruncate(fd, PAGE)
local mapped, sealed

concurrent(function()
	mapped = p:try("mmap", { len = PAGE, flags = "shared", fd = fd })
end, function()
	sealed = p:try("add_seals", fd, "write")
end)

expect(mapped ~= sealed or (not mapped and not sealed))
