-- only: model (which thread comes first differs from run to run)
-- A thread reads a page while another gives it back: it sees what was there, or a new page of
-- zeros, and nothing that the frame holds later.
-- Covers: P1, P2
machine { cpus = 4 }
local p = process()
local a = p:mmap { len = 4 * K }
p:store(a, 1)
local reader = p:thread(function()
	for _ = 1, 6 do
		local seen = p:load(a)
		expect(seen == 0 or seen == 1, "a freed frame was read: " .. seen)
	end
end)
local dropper = p:thread(function() p:madvise(a, 4 * K, "dontneed") end)
reader:join()
dropper:join()
