-- UFFDIO_MOVE moves private anonymous pages that are nobody else's, between mappings alike; and
-- says how far it came.
-- Covers: B17, B19
local p = process()
local A, B = 0x10000000, 0x20000000
local function anon(addr, how)
	how = how or {}
	local a = p:mmap { addr = addr, len = 4 * PAGE, prot = how.prot,
		flags = (how.flags or "private|anonymous") .. "|fixed", fd = how.fd }
	return a
end
local fd = p:memfd_create("f")
p:ftruncate(fd, 4 * PAGE)
local function attempt(errno, src, dst, prepare, mode)
	local u = p:userfaultfd("nonblock")
	p:uffd_api(u)
	anon(A, src)
	anon(B, dst)
	if not src or not src.prot then
		p:write(A, ("m"):rep(4 * PAGE))
	end
	p:uffd_register(u, B, 4 * PAGE, dst and dst.mode or "missing")
	if prepare then
		prepare(u)
	end
	local moved, got, failure = p:try("uffd_move", u, B, A, 4 * PAGE, mode)
	expect_eq(moved or got, errno)
	p:close(u)
	p:munmap(A, 4 * PAGE)
	p:munmap(B, 4 * PAGE)
	return failure and failure.words and failure.words[5]
end
expect_eq(attempt(4 * PAGE), nil)
expect_eq(attempt("EINVAL", { flags = "shared|anonymous" }), -22)
attempt("EINVAL", nil, { flags = "shared|anonymous" })
attempt("EINVAL", { flags = "private", fd = fd })
attempt("EINVAL", nil, { flags = "private", fd = fd })
attempt("EINVAL", { prot = "r" })
attempt("EINVAL", nil, { prot = "r" })
-- Locked on one side only.
attempt("EINVAL", nil, nil, function() p:mlock2(A, 4 * PAGE, "onfault") end)
-- Over the border of a mapping on either side.
attempt("EINVAL", nil, nil, function() p:mprotect(A + PAGE, PAGE, "r") end)
attempt("EINVAL", nil, nil, function() p:mprotect(B + PAGE, PAGE, "r") end)
attempt("ENOENT", nil, nil, function() p:munmap(A, 4 * PAGE) end)
-- Registered only for protection is good enough.
attempt(4 * PAGE, nil, { mode = "wp" })
-- Holes: refused, or left out when that is allowed.
local function hole(page)
	return function() p:madvise(A + page * PAGE, PAGE, "dontneed") end
end
expect_eq(attempt("EAGAIN", nil, nil, hole(2)), 2 * PAGE)
expect_eq(attempt("ENOENT", nil, nil, hole(0)), -2)
attempt(4 * PAGE, nil, nil, function() p:madvise(A, 3 * PAGE, "dontneed") end, "allow_src_holes")
-- Something there already.
expect_eq(attempt("EAGAIN", nil, nil, function(u) p:uffd_zeropage(u, B + PAGE, PAGE) end), PAGE)
expect_eq(attempt("EEXIST", nil, nil, function(u) p:uffd_zeropage(u, B, PAGE) end), -17)
-- Pages that others have: a pin, a child.
local pin
expect_eq(attempt("EAGAIN", nil, nil, function() pin = p:pin(A + 3 * PAGE, PAGE) end), 3 * PAGE)
p:unpin(pin)
expect_eq(attempt("EBUSY", nil, nil, function() pin = p:pin(A, PAGE) end), -16)
p:unpin(pin)
