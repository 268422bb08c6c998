-- Guards are copied by fork and move with mremap.
--
--         0    4    8   12
--     p   A    G    A    ·      fork: the child has the guard in its place
--     p   ·    ·    ·    ·      mremap: the pages, the guard and the gap arrive together
--     p'  A    G    A    ·
-- Covers: A2, A3
local p = process()
local a = p:mmap { len = 16 * K }
local function guards(process, at)
	local picture = ""
	for _, page in ipairs(process:pagemap(at, 4)) do
		picture = picture .. (page.guard and "G" or page.present and "A" or ".")
	end
	return picture
end
p:write(a, "first")
p:write(a + 8 * K, "third")
p:madvise(a + 4 * K, 4 * K, "guard_install")

local c = p:fork()
expect(guards(c, a) == "AGA.")
expect_signal("SIGSEGV", function() c:load(a + 4 * K) end)
-- From then on each has its own.
c:madvise(a, 8 * K, "guard_remove")
expect(c:load(a + 4 * K) == 0)
expect(guards(p, a) == "AGA.")
p:madvise(a, 4 * K, "guard_install")
expect(c:read(a, 5) == "first")
p:madvise(a, 4 * K, "guard_remove")
p:write(a, "again")

-- A mapping that holds nothing but guards is copied too; one that is wiped is not.
local only = p:mmap { len = 16 * K, prot = "r" }
p:madvise(only + 4 * K, 8 * K, "guard_install")
local g = p:fork()
expect(guards(g, only) == ".GG.")
g:exit()
p:madvise(only, 16 * K, "wipeonfork")
g = p:fork()
expect(guards(g, only) == "....")
expect(g:load(only + 4 * K) == 0)
g:exit()

-- Moving.
local b = p:mremap(a, 16 * K, 16 * K, "maymove|fixed", a - 1 * M)
expect(guards(p, b) == "AGA.")
expect(p:read(b, 5) == "again" and p:read(b + 8 * K, 5) == "third")
local fault = expect_signal("SIGSEGV", function() p:store(b + 4 * K, 1) end)
expect(fault.addr == b + 4 * K)
-- Growing in place keeps them, shrinking takes those of the part that goes.
b = p:mremap(b, 16 * K, 20 * K)
p:madvise(b + 16 * K, 4 * K, "guard_install")
b = p:mremap(b, 20 * K, 16 * K)
b = p:mremap(b, 16 * K, 20 * K)
expect(p:load(b + 16 * K) == 0)
expect(guards(p, b) == "AGA.")
-- MREMAP_DONTUNMAP leaves an empty mapping behind.
local d = p:mremap(b, 16 * K, 16 * K, "maymove|dontunmap")
expect(guards(p, d) == "AGA." and guards(p, b) == "....")
expect(p:load(b + 4 * K) == 0)
