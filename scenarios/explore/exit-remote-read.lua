-- only: model (what happens depends on the order)
-- process_vm_readv of a process that ends meanwhile: its bytes, or an error.
-- Covers: P2
local p = process()
local a = p:mmap{ len = PAGE }
p:store(a, 0x4141414141414141)
local q = process()

concurrent(q, function()
	local bytes, errno = q:try("vm_readv", p, { { a, 8 } })
	expect(bytes == "AAAAAAAA" or errno == "ESRCH" or errno == "EFAULT")
end, p, function()
	p:exit()
end)
