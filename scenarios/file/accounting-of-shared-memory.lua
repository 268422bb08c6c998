-- Shared memory is promised to the file when it is made, not to the mapping; without a reservation
-- page by page. (vm.overcommit_memory is 0 here.)
-- Covers: P1
-- needs: 47-bit addresses
local p = process()
expect_errno("ENOMEM", function() p:mmap { len = 0x400000000000, flags = "shared|anonymous" } end)
local a = p:mmap { len = 0x400000000000, flags = "shared|anonymous|noreserve" }
p:write(a + 0x200000000000, "far")
expect_eq(p:smaps(a).vmflags, "rd wr sh mr mw me ms nr")
local fd = p:memfd_create("big")
p:ftruncate(fd, 0x400000000000)
local b = p:mmap { len = 0x100000000000, flags = "shared", fd = fd }
p:write(b, "x")
expect_errno("ENOMEM", function()
	p:mmap { len = 0x400000000000, flags = "private", fd = fd }
end)
local c = p:mmap { len = 0x100000000000, prot = "r", flags = "private", fd = fd }
expect_eq(p:read(c, 1), "x")
expect(p:smaps(c).vmflags == "rd mr mw me")
