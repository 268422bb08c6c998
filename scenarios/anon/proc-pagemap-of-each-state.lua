-- What /proc/PID/pagemap tells of a page in each state that anonymous memory can be in without
-- swap. "exclusive" means that no other process maps the page, which is never said of the zero
-- page; "swapped" stands for every entry that is neither empty nor present, as that of a guard.
-- Covers: G1, G2
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 16 * PAGE, flags = fixed }

local function state(process, addr)
	local page, words = process:pagemap(addr), {}
	for name, set in pairs(page) do
		if set and name ~= "soft_dirty" then
			words[#words + 1] = name
		end
	end
	return table.concat(words, " ")
end
local function expect_state(addr, words, process)
	expect_eq(state(process or p, addr), words)
end

-- Not mapped at all, mapped and not touched, read, written, written after a read.
expect_state(a - PAGE, "")
expect_state(a, "")
p:load(a + PAGE)
expect_state(a + PAGE, "present")
p:store(a + 2 * PAGE, 1)
expect_state(a + 2 * PAGE, "exclusive present")
p:load(a + 3 * PAGE)
p:store(a + 3 * PAGE, 1)
expect_state(a + 3 * PAGE, "exclusive present")

-- The same pages without access, dropped, freed but still there, and guarded.
p:mprotect(a, 8 * PAGE, "none")
expect_state(a + PAGE, "present")
expect_state(a + 2 * PAGE, "exclusive present")
p:mprotect(a, 8 * PAGE, "rw")
p:madvise(a + 2 * PAGE, PAGE, "dontneed")
expect_state(a + 2 * PAGE, "")
p:madvise(a + 3 * PAGE, PAGE, "free")
expect_state(a + 3 * PAGE, "exclusive present")
p:madvise(a + 4 * PAGE, PAGE, "guard_install")
expect_state(a + 4 * PAGE, "guard swapped")
p:madvise(a + 4 * PAGE, PAGE, "guard_remove")
expect_state(a + 4 * PAGE, "")

-- Shared by a fork until one of the two writes, drops it or ends.
for page = 8, 11 do
	p:store(a + page * PAGE, page)
end
local c = p:fork()
expect_state(a + 8 * PAGE, "present")
expect_state(a + 8 * PAGE, "present", c)
c:store(a + 8 * PAGE, 1)
expect_state(a + 8 * PAGE, "exclusive present")
expect_state(a + 8 * PAGE, "exclusive present", c)
c:madvise(a + 9 * PAGE, PAGE, "dontneed")
expect_state(a + 9 * PAGE, "exclusive present")
expect_state(a + 9 * PAGE, "", c)
c:exit()
expect_state(a + 10 * PAGE, "exclusive present")

-- Moved pages are seen in their new place.
p:mremap(a + 10 * PAGE, 2 * PAGE, 2 * PAGE, "maymove|fixed", a + 20 * PAGE)
expect_state(a + 10 * PAGE, "")
expect_state(a + 20 * PAGE, "exclusive present")
expect_eq(#p:pagemap(a, 32), 32)
-- The zero page that a read brings is nobody's, however many see it.
local d = p:fork()
d:load(a + 12 * PAGE)
p:load(a + 12 * PAGE)
expect_state(a + 12 * PAGE, "present")
