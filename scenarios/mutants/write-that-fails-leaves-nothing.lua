-- A write beyond the end of a file whose page cannot be read in leaves no page there.
-- only: model (a read that fails)
-- Covers: P1
local p = process()
local fd = p:open("file", "rdwr|creat|trunc")
fail { site = "file_read", nth = 1 }
expect_errno("EIO", p.pwrite, p, fd, "lost", 0)
fail()
p:pwrite(fd, "kept", 0)
expect_eq(p:pread(fd, 10, 0), "kept")
