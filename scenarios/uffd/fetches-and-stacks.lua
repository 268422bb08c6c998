-- Fetching an instruction from missing memory is told as a read. A registered stack grows
-- registered, so that the first touch below it is told, too. What is read must hold a message.
-- Covers: B17, P1
local p = process()
local src = p:mmap { len = PAGE }
p:write(src, ("\xc3"):rep(PAGE))
local u = p:userfaultfd("nonblock")
p:uffd_api(u)
local function told(addr, flags)
	p:uffd_wait(u)
	local m = p:uffd_read(u)
	expect(m.addr == addr and m.flags == flags)
end
for _, flags in ipairs { "private|anonymous", "shared|anonymous" } do
	local a = p:mmap { len = PAGE, prot = "rwx", flags = flags }
	p:uffd_register(u, a, PAGE, "missing|wp")
	local t = p:thread(function() p:exec(a + 8) end)
	told(a, "")
	p:uffd_copy(u, a, src, PAGE, "wp")
	t:join()
	-- Protection is against writes alone.
	p:exec(a + 16)
	expect(p:poll(u) == "" and p:pagemap(a).uffd_wp)
end
local s = p:mmap { addr = 0x10000000, len = 2 * PAGE,
	flags = "private|anonymous|growsdown|fixed" }
p:uffd_register(u, s, 2 * PAGE, "missing")
local t = p:thread(function() p:store(s - PAGE + 8, 1) end)
told(s - PAGE, "write")
p:uffd_zeropage(u, s - PAGE, PAGE)
t:join()
expect_eq(p:layout(s - 2 * PAGE, 4), ".www")
expect(p:smaps(s - PAGE).vmflags:find("gd um"))

local a = p:mmap { len = 5 * PAGE }
p:uffd_register(u, a, 5 * PAGE, "missing")
local threads = {}
for i = 0, 4 do
	threads[i] = p:thread(function() p:load(a + i * PAGE) end)
	told(a + i * PAGE, "")
end
expect_errno("EINVAL", function() p:read_fd(u, 31) end)
expect_errno("EINVAL", function() p:read_fd(u, 0) end)
expect_errno("EAGAIN", function() p:read_fd(u, 32) end)
p:uffd_zeropage(u, a, 5 * PAGE)
for i = 0, 4 do
	threads[i]:join()
end
expect_errno("EAGAIN", function() p:read_fd(u, 320) end)
