-- A pin holds the page, not the mapping: what is unmapped or dropped is gone for the process,
-- however long the device keeps it.
-- Covers: P2, R3
local p = process()
local a = p:mmap { len = 16 * K }
for i = 0, 3 do
	p:write(a + i * 4 * K, "page " .. i)
end
local pin = p:pin(a, 16 * K)

p:madvise(a, 4 * K, "dontneed")
expect(p:mincore(a, 4 * K) == "0")
expect(p:load(a, 1) == 0)
p:write(a, "other")
expect(p:read(a, 6) == "other\0")

p:munmap(a + 4 * K, 4 * K)
expect_signal("SIGSEGV", function() p:load(a + 4 * K) end)
local again = p:mmap { addr = a + 4 * K, len = 4 * K, flags = "private|anonymous|fixed" }
expect(p:load(again) == 0)

-- Moving the mapping moves the page; the pin does not notice, and fork still copies it.
local there = p:mremap(a + 8 * K, 4 * K, 4 * K, "maymove|fixed", a - 64 * K)
expect(p:read(there, 6) == "page 2")
local c = p:fork()
expect(p:pagemap(there).exclusive and p:pagemap(a + 12 * K).exclusive)
-- The pages that took the place of pinned ones are shared like any other.
expect(not p:pagemap(a).exclusive)
p:write(there, "PAGE")
expect(c:read(there, 6) == "page 2")

-- MADV_FREE and MADV_COLD of a pinned page: nothing is taken away while it is pinned.
p:madvise(there, 4 * K, "cold")
p:madvise(a + 12 * K, 4 * K, "free")
expect(p:read(there, 6) == "PAGE 2" and p:read(a + 12 * K, 6) == "page 3")

p:unpin(pin)
c:exit()
expect(p:read(there, 6) == "PAGE 2")
