-- What smaps and its like say of mappings of files: pages by kind, shares by the number of
-- mappings.
-- Covers: G1, G4
local p = process()
local fd = p:memfd_create("counted")
p:ftruncate(fd, 32 * K)
local s = p:mmap { len = 32 * K, flags = "shared", fd = fd }
local v = p:mmap { len = 32 * K, flags = "private", fd = fd }
p:write(s, ("s"):rep(16 * K))
p:write(v + 8 * K, ("v"):rep(8 * K))
p:load(v)
local c = p:fork()
c:write(v + 8 * K, "c")
c:load(s)
local r = p:smaps_rollup()
expect(r.pss_shmem > 0 and r.pss_anon > 0 and r.pss_file == 0)
expect(r.pss_shmem + r.pss_anon == r.pss)
local status = p:status()
expect(status.rssshmem + status.rssanon == status.vmrss)
expect_eq(status.rssfile, 0)
c:exit()
p:munmap(s, 32 * K)
expect(p:smaps(v).anonymous == 8 * K)
