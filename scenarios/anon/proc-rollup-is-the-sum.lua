-- smaps_rollup adds up smaps over all mappings, and neither changes by being looked at. Here over
-- mappings in every state that anonymous memory can be in.
-- Covers: G1, G4
local p = process()
local a = 0x10000000
local fixed = "private|anonymous|fixed"
local function map(nr, more, prot)
	return p:mmap { addr = a + nr * 16 * PAGE, len = 8 * PAGE, prot = prot or "rw",
		flags = fixed .. (more or "") }
end
local untouched, zero = map(0), map(1, "", "r")
p:read(zero, 4 * PAGE)
local written, shared, some = map(2), map(3), map(4)
p:write(written, ("w"):rep(8 * PAGE))
p:write(shared, ("s"):rep(8 * PAGE))
p:write(some, ("p"):rep(3 * PAGE))
local locked = map(5, "|locked")
local onfault = map(6)
p:mlock2(onfault, 8 * PAGE, "onfault")
p:write(onfault + PAGE, "one page")
local c = p:fork()
c:write(some, "child")
c:munmap(written, 8 * PAGE)
local d = c:fork()

local function check(process)
	local sum = {}
	for start in process:maps():gmatch("(%x+)%-%x+ ") do
		for name, value in pairs(process:smaps(tonumber(start, 16))) do
			if type(value) == "number" then
				sum[name] = (sum[name] or 0) + value
			end
		end
	end
	local rollup = process:smaps_rollup()
	expect(rollup.rss > 0)
	-- Of the shares by kind of memory there is only one here.
	sum.pss_anon, sum.pss_file, sum.pss_shmem = sum.pss, 0, 0
	for name, value in pairs(rollup) do
		-- Shares were cut to whole KiB, mapping by mapping, before they are added here.
		local cut = (name:find("^pss") or name == "locked") and 8 * K or 0
		expect(value >= sum[name] and value <= sum[name] + cut, name)
	end
	return rollup
end

local rollup = check(p)
expect_eq(rollup.rss, (8 + 8 + 3 + 8 + 1) * PAGE)
-- Private are what the child unmapped and the page that it wrote.
expect_eq(rollup.private_dirty, (8 + 1) * PAGE)
-- Of locked memory the share counts: three processes have the same nine pages.
expect_eq(rollup.locked, (8 + 1) * PAGE // 3 - K)
check(c)
check(d)
d:exit()
local before = p:smaps()
check(p)
expect(p:smaps() == before)
