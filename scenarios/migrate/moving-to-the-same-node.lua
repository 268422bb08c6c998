-- Moving pages to the node on which they are changes nothing; a node that is not there is refused.
-- Covers: P1
local p = process()
local a = p:mmap { len = 8 * K }
p:write(a, "stays")
expect_eq(table.concat(p:move_pages(a, 3, 0, "move"), " "), "0 ENOENT EFAULT")
local c = p:fork()
expect(c:move_pages(a, 1, 0, "move")[1] == 0)
expect(c:move_pages(a, 1, 0, "move_all")[1] == 0)
expect_eq(p:read(a, 5), "stays")
expect_errno("ENODEV", function() p:move_pages(a, 1, 63, "move") end)
expect_errno("ENODEV", function() p:move_pages(a, 1, 5000, "move") end)
