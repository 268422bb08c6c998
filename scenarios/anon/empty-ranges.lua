-- What each call makes of a range of no bytes: munmap and mmap refuse it, for the others there is
-- nothing to do, wherever it lies. A length that wraps around to none when it is rounded up is
-- noticed by some of them and not by others.
-- Covers: P1
local p = process()
local a = p:mmap { len = 4 * PAGE, prot = "none" }
local holes = { a - 2 * PAGE, 0, 0x30000000 }

local function quiet(...)
	local before = p:smaps()
	for _, addr in ipairs { a, a + PAGE, a + 4 * PAGE, table.unpack(holes) } do
		for _, call in ipairs { ... } do
			call(addr, 0)
		end
	end
	expect(p:smaps() == before)
end
quiet(function(addr, len) p:mprotect(addr, len, "rwx") end,
	function(addr, len) p:mlock(addr, len) end,
	function(addr, len) p:mlock2(addr, len, "onfault") end,
	function(addr, len) p:munlock(addr, len) end,
	function(addr, len) p:msync(addr, len, "sync") end,
	function(addr, len) expect(p:mincore(addr, len) == "") end)
for _, advice in ipairs { "normal", "dontneed", "free", "dontfork", "populate_write", "cold",
	"guard_install" } do
	quiet(function(addr, len) p:madvise(addr, len, advice) end)
end
expect(p:vm_readv(p, { { a, 0 }, { 0, 0 } }) == "" and p:vm_writev(p, { { a, 0 } }, "") == 0)
expect(p:read(a, 0) == "" and p:write(a, ""))

for _, addr in ipairs { a, table.unpack(holes) } do
	expect_errno("EINVAL", function() p:munmap(addr, 0) end)
	expect_errno("EINVAL", function() p:mremap(addr, PAGE, 0, "maymove") end)
end
expect_errno("EINVAL", function() p:mmap { len = 0 } end)
expect_errno("EINVAL", function() p:pin(a, 0) end)

-- The address is looked at first.
for _, call in ipairs { "mprotect", "madvise", "msync" } do
	expect_errno("EINVAL", p[call], p, a + 1, 0, 0)
end
expect_errno("EINVAL", function() p:mincore(a + 1, 0) end)
-- mlock rounds it down and takes the page.
expect_errno("ENOMEM", function() p:mlock(holes[1] + 1, 0) end)
p:mprotect(a, PAGE, "rw")
p:mlock(a + 1, 0)
expect(p:smaps(a).locked == PAGE)
p:munlock(a + 1, 0)
expect(p:smaps(a).locked == 0)

-- A length that rounds up to none.
expect_errno("ENOMEM", function() p:mprotect(a, -1, "r") end)
expect_errno("EINVAL", function() p:madvise(a, -1, "normal") end)
expect_errno("EINVAL", function() p:munmap(a, -1) end)
p:msync(a, -1, "sync")
p:mlock(a, -1)
expect(p:smaps(a).locked == 0)
