-- What calls do to entries of pages in swap: mprotect leaves them, mremap moves them, MADV_FREE
-- frees them, mincore and pagemap show them, WILLNEED starts to bring them back.
-- Covers: P1, P3, A1
local p = process()
p:swapon(256)
local a = p:mmap { len = 32 * K }
for i = 0, 7 do
	p:write(a + i * 4 * K, "page " .. i)
end
p:madvise(a, 32 * K, "pageout")
p:mprotect(a, 8 * K, "none")
expect(p:pagemap(a).swapped)
expect_signal("SIGSEGV", p.load, p, a)
p:mprotect(a, 8 * K, "r")
expect_eq(p:read(a, 6), "page 0")
expect_signal("SIGSEGV", p.store, p, a, 1)
p:mprotect(a, 8 * K, "rw")
p:write(a, "P")
local b = p:mremap(a + 8 * K, 8 * K, 8 * K, "maymove|fixed", 0x10000000)
expect(p:pagemap(b).swapped)
expect_eq(p:read(b, 6), "page 2")
p:madvise(a + 16 * K, 4 * K, "free")
expect(not p:pagemap(a + 16 * K).swapped)
expect(p:load(a + 16 * K) == 0)
p:madvise(a + 20 * K, 4 * K, "willneed")
expect_eq(p:read(a + 20 * K, 6), "page 5")
-- Guards take the place of what is in swap.
p:madvise(a + 24 * K, 4 * K, "guard_install")
expect(p:pagemap(a + 24 * K).guard)
p:madvise(a + 24 * K, 4 * K, "guard_remove")
expect(p:load(a + 24 * K) == 0)
-- A reader in another process brings it in for its owner.
local q = process()
expect_eq(q:vm_readv(p, { { a + 28 * K, 6 } }), "page 7")
expect(p:pagemap(a + 28 * K).present)
