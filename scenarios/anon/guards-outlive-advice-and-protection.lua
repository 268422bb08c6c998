-- A guard goes with its mapping, or by MADV_GUARD_REMOVE, and by nothing else.
--
--     0    4    8   12   16
--     A    G    G    A          A written   G guard
-- Covers: A2, A3
local p = process()
local a = p:mmap { len = 16 * K }
local function guards()
	local picture = ""
	for _, page in ipairs(p:pagemap(a, 4)) do
		picture = picture .. (page.guard and "G" or page.present and "A" or ".")
	end
	return picture
end

p:write(a, "first")
p:write(a + 12 * K, "last")
p:madvise(a + 4 * K, 8 * K, "guard_install")
expect(guards() == "AGGA")

-- Advice about contents: pages go, guards stay.
p:madvise(a, 12 * K, "dontneed")
expect(guards() == ".GGA")
p:madvise(a, 16 * K, "dontneed_locked")
expect(guards() == ".GG.")
p:write(a, "first")
for _, advice in ipairs { "cold", "pageout", "free", "willneed", "dontfork", "dofork", "normal" } do
	p:madvise(a, 16 * K, advice)
	expect_eq(guards(), "AGG.", advice)
end

-- Rights come and go without them, splitting and merging the mapping around them.
for _, prot in ipairs { "none", "r", "rwx" } do
	p:mprotect(a + 4 * K, 4 * K, prot)
	expect(guards() == "AGG.")
	p:mprotect(a, 16 * K, "rw")
	expect(guards() == "AGG.")
	expect(p:layout(a, 4) == "wwww")
end
expect_signal("SIGSEGV", function() p:load(a + 4 * K) end)

-- Locking a range with guards locks it, and reports the guards as memory it could not have.
expect_errno("ENOMEM", function() p:mlock(a, 16 * K) end)
expect(p:smaps(a).vmflags:find("lo"))
expect(guards() == "AGG.")
-- In locked memory none can be installed, but removed.
expect_errno("EINVAL", function() p:madvise(a + 12 * K, 4 * K, "guard_install") end)
p:madvise(a + 8 * K, 4 * K, "guard_remove")
expect(guards() == "AG..")
p:munlock(a, 16 * K)
p:madvise(a + 8 * K, 4 * K, "guard_install")

-- Unmapping takes them; a new mapping at the address knows nothing of them.
p:munmap(a + 4 * K, 4 * K)
p:mmap { addr = a + 4 * K, len = 4 * K, flags = "private|anonymous|fixed" }
expect(guards() == "A.G.")
expect(p:load(a + 4 * K) == 0)
p:mmap { addr = a + 8 * K, len = 4 * K, flags = "private|anonymous|fixed" }
expect(guards() == "AA..")

-- Over a hole, the rest is done and the hole reported; a locked neighbour ends it.
p:munmap(a + 4 * K, 4 * K)
expect_errno("ENOMEM", function() p:madvise(a, 16 * K, "guard_install") end)
expect(guards() == "G.GG")
expect_errno("ENOMEM", function() p:madvise(a, 16 * K, "guard_remove") end)
expect(guards() == "....")
p:mlock(a + 8 * K, 4 * K)
expect_errno("EINVAL", function() p:madvise(a, 16 * K, "guard_install") end)
expect(guards() == "G.A.")
