-- Threads of a process see each other's mappings and bytes at once: there is one address space.
--
-- Each thread here works on its own pages, so that its steps do the same however they are
-- interleaved; what belongs to all is looked at when they have ended.
--
--     0    4    8   12   16   20   24   28
--     0    0    1    1    2    2    3    3      the number of the thread that owns the page
-- Covers: P2
local p = process()
local a = p:mmap { len = 32 * K }
p:write(a, "before")

local threads = {}
for i = 0, 3 do
	threads[i] = p:thread(function(mine)
		p:write(mine, "thread " .. i)
		expect(p:load(mine + 4 * K) == 0)
		p:store(mine + 4 * K, i)
		expect(p:fetch_add(mine + 4 * K, 10) == i)
		p:mprotect(mine, 4 * K, "r")
		expect_signal("SIGSEGV", function() p:store(mine, 1) end)
		p:mprotect(mine, 4 * K, "rw")
		yield()
		p:madvise(mine + 4 * K, 4 * K, "dontneed")
		expect(p:load(mine + 4 * K) == 0)
		p:write(mine + 4 * K, "again")
		expect(p:read(mine, 8) == "thread " .. i)
	end, a + i * 8 * K)
end
for i = 0, 3 do
	threads[i]:join()
	expect(threads[i]:done())
end
for i = 0, 3 do
	expect(p:read(a + i * 8 * K, 8) == "thread " .. i)
	expect(p:read(a + i * 8 * K + 4 * K, 5) == "again")
end
expect(p:layout(a, 8) == "wwwwwwww")
expect(p:smaps(a).rss == 32 * K)

-- What a thread maps stays when it ends; what it unmaps is gone for all.
local where = a - 1 * M
p:thread(function()
	p:mmap { addr = where, len = 8 * K, flags = "private|anonymous|fixed" }
	p:write(where, "left behind")
	p:munmap(a, 4 * K)
	p:mlock(a + 8 * K, 4 * K)
end):join()
expect(p:read(where, 11) == "left behind")
expect_signal("SIGSEGV", function() p:load(a) end)
expect(p:status().vmlck == 4 * K)

-- A counter that all increment: atomics lose none. A page that all fault in: they get one.
local counter = p:mmap { len = 8 * K, prot = "rwx" }
local workers = {}
for i = 1, 4 do
	workers[i] = p:thread(function()
		for _ = 1, 25 do
			p:fetch_add(counter, 1)
		end
		p:store(counter + 4 * K + i, i, 1)
	end)
end
for i = 1, 4 do
	workers[i]:join()
end
expect(p:load(counter) == 100)
expect(p:read(counter + 4 * K, 6) == "\0\1\2\3\4\0")
expect(p:smaps(counter).rss == 8 * K)

-- A thread's failure is its process's signal, and arrives where it is expected.
local t = p:thread(function()
	return expect_signal("SIGSEGV", function() p:exec(0) end)
end)
t:join()

-- A child made by a thread has the whole address space, and only that thread.
local children = {}
p:thread(function() children[1] = p:fork() end):join()
local c = children[1]
expect(c:read(where, 11) == "left behind")
c:write(where, "child")
expect(p:read(where, 11) == "left behind")
c:exit()
