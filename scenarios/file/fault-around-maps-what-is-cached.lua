-- A read fault on a file maps the pages around it that are in memory already, up to 16 and within
-- the mapping; a write fault maps one.
--
--     file    0 ............ 15 16 ........ 31        all but page 5 are in memory
-- Covers: P1
local p = process()
local fd = p:memfd_create("around")
p:ftruncate(fd, 32 * PAGE)
for i = 0, 31 do
	if i ~= 5 then
		p:pwrite(fd, ("p%02d"):format(i), i * PAGE)
	end
end
local a = p:mmap { addr = 0x10000000, len = 32 * PAGE, flags = "shared|fixed", fd = fd }
local function mapped()
	local letters = {}
	for i, page in ipairs(p:pagemap(a, 32)) do
		letters[i] = page.present and "1" or "0"
	end
	return table.concat(letters)
end
expect_eq(p:read(a + 7 * PAGE, 3), "p07")
expect_eq(mapped(), "11111011111111110000000000000000")
p:madvise(a, 32 * PAGE, "dontneed")
p:write(a + 7 * PAGE, "W07")
expect_eq(mapped(), "00000001000000000000000000000000")
p:madvise(a, 32 * PAGE, "dontneed")
-- A mapping that begins elsewhere ends the window.
local b = p:mmap { addr = 0x20000000, len = 3 * PAGE, flags = "shared|fixed", fd = fd,
	offset = 6 * PAGE }
expect_eq(p:read(b + PAGE, 3), "W07")
expect(p:pagemap(b).present and p:pagemap(b + 2 * PAGE).present)
p:madvise(a, 32 * PAGE, "random")
expect_eq(p:read(a + 20 * PAGE, 3), "p20")
expect_eq(mapped(), "00000000000000001111111111111111")
