-- Without swap only pages of files can be taken back: clean ones are dropped, dirty ones are
-- written first. When there is nothing left a process dies.
-- only: model (a machine of 4 MiB)
-- Covers: P4, P5
machine { ram = 4 * M, cpus = 1, overcommit = 1 }
local p = process()
local fd = p:open("large", "rdwr|creat|trunc")
for i = 0, 299 do
	p:pwrite(fd, ("%03d"):format(i), i * PAGE)
end
local f = p:mmap { len = 300 * PAGE, flags = "shared", fd = fd }
for i = 0, 299, 3 do
	p:write(f + i * PAGE, ("W%02d"):format(i % 100))
end
local a = p:mmap { len = 700 * PAGE }
for i = 0, 699 do
	p:store(a + i * PAGE, i)
end
for i = 0, 299 do
	local want = i % 3 == 0 and ("W%02d"):format(i % 100) or ("%03d"):format(i)
	expect_eq(p:pread(fd, 3, i * PAGE), want)
end
local q = p:fork()
local b = q:mmap { len = 1200 * PAGE }
local died
for i = 0, 1199 do
	local _, signal = q:try("store", b + i * PAGE, 1)
	if signal then
		died = signal
		break
	end
end
expect_eq(died, "SIGKILL")
expect(counters().oom_kill == 1)
