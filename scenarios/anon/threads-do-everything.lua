-- only: model (what each call meets depends on the schedule)
-- Threads of one process do whatever they like to the same few pages, and a child and two other
-- processes look in from outside. No call may do more than fail: the machine is recounted at the
-- end, and every access of the model that nothing orders is reported.
-- Covers: P1, P2, P5
machine { cpus = 6, ram = 16 * M }
local PAGES, STEPS = 8, 12
local p, q, d = process(), process(), process()
local a = p:mmap { len = PAGES * PAGE }
local far = a - 4 * M
p:write(a, "before")
local c = p:fork()

local function somewhere()
	return (math.random(4) == 1 and far or a) + math.random(0, PAGES - 1) * PAGE
end

local function some()
	return math.random(1, 3) * PAGE
end

local steps = {
	function() p:store(somewhere(), math.random(100)) end,
	function() p:load(somewhere()) end,
	function() p:fetch_add(somewhere(), 1) end,
	function()
		p:mmap { addr = somewhere(), len = some(), flags = "private|anonymous|fixed" }
	end,
	function() p:munmap(somewhere(), some()) end,
	function() p:mprotect(somewhere(), some(), math.random(2) == 1 and "r" or "rw") end,
	function() p:mremap(somewhere(), PAGE, PAGE, "maymove|fixed", somewhere()) end,
	function() p:madvise(somewhere(), some(), "dontneed") end,
	function() p:madvise(somewhere(), some(), "free") end,
	function() p:madvise(somewhere(), some(), "pageout") end,
	function() p:madvise(somewhere(), some(), "populate_write") end,
	function() p:madvise(somewhere(), some(), "guard_install") end,
	function() p:madvise(somewhere(), some(), "guard_remove") end,
	function() p:mlock(somewhere(), some()) end,
	function() p:munlock(somewhere(), some()) end,
	function() p:mincore(somewhere(), some()) end,
	function() p:unpin(p:pin(somewhere(), some())) end,
	function() p:fork():exit() end,
	function() p:brk(p:brk() + PAGE) end,
}
-- A task is one thread's at a time.
local own = {
	function() q:vm_readv(p, { { somewhere(), 2 * PAGE } }) end,
	function() c:store(somewhere(), 1) end,
	function() d:vm_writev(p, { { somewhere(), 8 } }, "outside!") end,
}

local threads = {}
for i = 1, 3 do
	threads[i] = p:thread(function()
		for _ = 1, STEPS do
			local step = steps[math.random(#steps)]
			if math.random(8) == 1 then
				step = own[i]
			end
			local ok, why = pcall(step)
			if not ok and type(why) == "table" and why.kind ~= "errno" and
				why.kind ~= "signal" then
				error(why)
			end
		end
	end)
end
for _, t in ipairs(threads) do
	t:join()
end
verify()
c:exit()
p:exit()
q:exit()
d:exit()
verify()
