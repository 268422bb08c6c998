-- process_vm_writev into a page that another process shares, against that one's write.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 1)
local c = p:fork()
local q = process()

concurrent(q, function()
	q:vm_writev(p, { { a, 8 } }, "\2\0\0\0\0\0\0\0")
end, c, function()
	c:store(a, 3)
end)

expect(p:load(a) == 2 and c:load(a) == 3)
