-- Advice that is a flag of the mapping splits it where the flag begins and ends, and lets the
-- parts grow together again when they agree.
--
--     0    4    8   12   16
--     A    A    A    A          one mapping
--     A   ·B    B·   A          after advice for 4 to 12: three
--     A    A    A    A          after its opposite: one again
--
-- The words of smaps: sr sequential, rr random, dc not for children, wf wiped in them, dd not
-- in a core dump, mg mergeable, hg and nh huge pages wanted and unwanted.
-- Covers: P1
local p = process()
local a = p:mmap { len = 16 * K }
p:write(a + 4 * K, "kept")
local plain = p:smaps(a).vmflags

local function flags(addr)
	return " " .. p:smaps(addr).vmflags .. " "
end

for _, pair in ipairs {
	{ "random", "normal", "rr" },
	{ "sequential", "normal", "sr" },
	{ "dontfork", "dofork", "dc" },
	{ "wipeonfork", "keeponfork", "wf" },
	{ "dontdump", "dodump", "dd" },
	{ "mergeable", "unmergeable", "mg" },
} do
	local set, clear, word = table.unpack(pair)
	p:madvise(a + 4 * K, 8 * K, set)
	expect(p:layout(a, 4) == "w|ww|w")
	expect(flags(a + 4 * K):find(" " .. word .. " "), word)
	expect(not flags(a):find(" " .. word .. " "), word)
	expect(p:smaps(a + 12 * K).vmflags == plain)
	-- Saying it again changes nothing; saying it of a neighbour moves the border.
	p:madvise(a + 4 * K, 4 * K, set)
	expect(p:layout(a, 4) == "w|ww|w")
	p:madvise(a, 4 * K, set)
	expect(p:layout(a, 4) == "www|w")
	p:madvise(a, 16 * K, set)
	expect(p:layout(a, 4) == "wwww")
	p:madvise(a + 8 * K, 4 * K, clear)
	expect(p:layout(a, 4) == "ww|w|w")
	p:madvise(a, 16 * K, clear)
	expect(p:layout(a, 4) == "wwww")
	expect(p:smaps(a).vmflags == plain)
	expect(p:read(a + 4 * K, 4) == "kept")
end

-- Random and sequential exclude each other.
p:madvise(a, 8 * K, "random")
p:madvise(a + 4 * K, 8 * K, "sequential")
expect(p:layout(a, 4) == "w|ww|w")
expect(flags(a):find(" rr ") and not flags(a + 4 * K):find(" rr "))
p:madvise(a, 16 * K, "normal")
expect(p:layout(a, 4) == "wwww")

-- So do the wishes for huge pages; there is no advice that takes both back.
p:madvise(a, 8 * K, "hugepage")
p:madvise(a + 4 * K, 4 * K, "nohugepage")
expect(p:layout(a, 4) == "w|w|ww")
expect(flags(a):find(" hg ") and flags(a + 4 * K):find(" nh "))
p:madvise(a, 16 * K, "nohugepage")
expect(p:layout(a, 4) == "wwww" and flags(a):find(" nh "))
p:madvise(a, 16 * K, "hugepage")
expect(flags(a):find(" hg ") and not flags(a):find(" nh "))

-- With a hole in it, both sides are done and the hole reported.
p:munmap(a + 4 * K, 4 * K)
expect_errno("ENOMEM", function() p:madvise(a, 16 * K, "dontdump") end)
expect(flags(a):find(" dd ") and flags(a + 12 * K):find(" dd "))
