-- Who uses a page without going through its entry marks the page itself: once makes it
-- referenced, a second time moves it among the active ones and takes the mark back, from then
-- on the mark stays. The entry is old here, because fork copies it so.
-- Covers: G1

local p = process()
local a = p:mmap{ len = 4*PAGE, prot = "rw", flags = "private|anonymous" }

local function old_page(at)
	p:write(at, "used")
	p:madvise(at, PAGE, "cold")
	expect(p:smaps(a).referenced == 0)
end

-- Another process reads it.
old_page(a)
local seen = {}
for i = 1, 4 do
	p:vm_readv(p, { { a, 4 } })
	seen[i] = p:smaps(a).referenced // PAGE
end
expect(table.concat(seen) == "1011")

-- Lazily freed it starts over.
p:madvise(a, PAGE, "free")
expect(p:smaps(a).referenced == 0)
p:vm_readv(p, { { a, 4 } })
expect(p:smaps(a).referenced == PAGE)
p:madvise(a, PAGE, "dontneed")

-- A pin that finds the page as it needs it only marks it.
old_page(a)
for _ = 1, 2 do
	p:unpin(p:pin(a, PAGE))
	expect(p:smaps(a).referenced == PAGE)
end
p:madvise(a, PAGE, "dontneed")

-- What was populated is referenced, and a child that has not touched it sees that.
local b = p:mmap{ len = PAGE, prot = "rw", flags = "private|anonymous|populate" }
p:mmap{ addr = b, len = PAGE, prot = "rw", flags = "private|anonymous|fixed|populate" }
local c = p:fork()
expect(c:smaps(b).referenced == PAGE)
