-- What is joined must be alike in rights, in everything that was advised, in being locked, and in
-- whether the machine has promised the memory. When the difference goes, so does the border.
--
--          0    4    8
--     a    AABBBBAA           B is advised, or locked, and then no longer
-- Covers: P1
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
p:mmap { addr = a, len = 8 * PAGE, flags = fixed }
p:store(a, 1)

local function expect_border(there, back)
	there()
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	back()
	expect_eq(p:layout(a, 8), "wwwwwwww")
end
for _, pair in ipairs {
	{ "sequential", "normal" }, { "random", "normal" }, { "dontfork", "dofork" },
	{ "wipeonfork", "keeponfork" }, { "dontdump", "dodump" },
} do
	expect_border(function() p:madvise(a + 2 * PAGE, 4 * PAGE, pair[1]) end,
		function() p:madvise(a + 2 * PAGE, 4 * PAGE, pair[2]) end)
end
expect_border(function() p:mlock(a + 2 * PAGE, 4 * PAGE) end,
	function() p:munlock(a + 2 * PAGE, 4 * PAGE) end)
expect_border(function() p:mlock2(a + 2 * PAGE, 4 * PAGE, "onfault") end,
	function() p:munlockall() end)

-- Advice that works on pages alone leaves no border.
for _, advice in ipairs { "willneed", "cold", "free", "dontneed", "populate_read",
	"populate_write" } do
	p:madvise(a + 2 * PAGE, 4 * PAGE, advice)
	expect_eq(p:layout(a, 8), "wwwwwwww")
end

-- Flags given to mmap are compared as well, and stay for good.
for _, more in ipairs { "|growsdown", "|noreserve", "|stack" } do
	p:mmap { addr = a + 2 * PAGE, len = 4 * PAGE, flags = fixed .. more }
	expect_eq(p:layout(a, 8), "ww|wwww|ww")
	p:mmap { addr = a + 2 * PAGE, len = 4 * PAGE, flags = fixed }
	expect_eq(p:layout(a, 8), "wwwwwwww")
end
-- These mean nothing for a mapping.
for _, more in ipairs { "|populate", "|denywrite", "|executable", "|nonblock" } do
	p:mmap { addr = a + 2 * PAGE, len = 4 * PAGE, flags = fixed .. more }
	expect_eq(p:layout(a, 8), "wwwwwwww")
end

-- Read-only memory is not promised until it becomes writable. A promise is kept where there are
-- pages.
p:mmap { addr = a + 8 * PAGE, len = 2 * PAGE, prot = "r", flags = fixed }
p:mprotect(a + 8 * PAGE, 2 * PAGE, "rw")
expect_eq(p:layout(a, 10), "wwwwwwwwww")
p:mmap { addr = a + 10 * PAGE, len = 2 * PAGE, prot = "r", flags = fixed }
p:mprotect(a, 10 * PAGE, "r")
expect_eq(p:layout(a, 12), "rrrrrrrrrr|rr")
expect(p:smaps(a).vmflags == "rd mr mw me ac")
expect(p:smaps(a + 10 * PAGE).vmflags == "rd mr mw me")
