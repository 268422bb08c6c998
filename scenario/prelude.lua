-- SPDX-License-Identifier: MIT
-- What scenarios see beside the methods of a process. The functions of _core are written in C;
-- everything that only rearranges values is here.

local core, source = _core, _source
local debug, load, pcall, error, tostring, type = debug, load, pcall, error, tostring, type
local setmetatable, getmetatable, select, rawequal = setmetatable, getmetatable, select, rawequal
local Process, Failure = core.Process, core.Failure

K, M, G = 1024, 1024 * 1024, 1024 * 1024 * 1024
PAGE = 4096

-- ---- a small, deterministic standard library -------------------------------------------

math.randomseed(_seed, 0)
math.randomseed = nil

local function by_type_and_value(a, b)
	if type(a) ~= type(b) then
		return type(a) < type(b)
	end
	return type(a) ~= "boolean" and type(a) ~= "table" and type(a) ~= "function" and
		type(a) ~= "userdata" and a < b
end

-- In the order of the keys, so that the same scenario does the same thing every time.
function pairs(t)
	local meta = getmetatable(t)
	if meta and meta.__pairs then
		return meta.__pairs(t)
	end
	local keys = {}
	local key = next(t)
	while key ~= nil do
		keys[#keys + 1] = key
		key = next(t, key)
	end
	table.sort(keys, by_type_and_value)
	local i = 0
	return function()
		i = i + 1
		if keys[i] ~= nil then
			return keys[i], t[keys[i]]
		end
	end, t, nil
end

function print(...)
	local words = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i])
	end
	core.print(table.concat(words, "\t"))
end

-- Finalizers run where no limit holds them.
local real_setmetatable = setmetatable
function _G.setmetatable(t, meta)
	if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
		error("a scenario has no __gc", 2)
	end
	return real_setmetatable(t, meta)
end

-- ---- failures ----------------------------------------------------------------------------

-- The place in the scenario file that the caller's caller is at.
local function place()
	local level = 2
	while true do
		local info = debug.getinfo(level, "Sl")
		if not info then
			return "", 0
		end
		if info.source:sub(1, 1) == "@" then
			local line = info.currentline
			return info.source:sub(2) .. ":" .. line .. ": ", line, level
		end
		level = level + 1
	end
end

local function fail(message)
	error(setmetatable({ kind = "expect", message = place() .. message }, Failure), 0)
end

local real_error = error
function _G.error(what, level)
	if type(what) == "string" then
		what = setmetatable({ kind = "error", message = place() .. what }, Failure)
	end
	real_error(what, level or 0)
end

function assert(value, message, ...)
	if not value then
		if type(message) == "table" then
			real_error(message, 0)
		end
		fail(message or "assertion failed")
	end
	return value, message, ...
end

-- Lua's own counts no instructions, however often it repeats nothing.
local rep = string.rep
function string.rep(s, n, separator)
	if math.type(n) == "integer" and n > 16*M then
		real_error(place() .. "repeated too often: " .. n, 0)
	end
	return rep(s, n, separator)
end

local function show(value)
	if type(value) == "string" then
		return (string.format("%q", value):gsub("\\\n", "\\n"))
	elseif math.type(value) == "integer" and (value >= 65536 or value < -65536) then
		return string.format("0x%x", value)
	end
	return tostring(value)
end

-- Splits text at brackets' depth 0: calls found(position, character) for each character that
-- is neither in a string nor in brackets; stops when it returns true or the brackets close.
local function scan(text, from, found)
	local depth, i = 0, from
	while i <= #text do
		local c = text:sub(i, i)
		if c == '"' or c == "'" then
			local j = i + 1
			while j <= #text and text:sub(j, j) ~= c do
				if text:sub(j, j) == "\\" then
					j = j + 1
				end
				j = j + 1
			end
			i = j
		elseif c == "(" or c == "{" or c == "[" then
			depth = depth + 1
		elseif c == ")" or c == "}" or c == "]" then
			if depth == 0 then
				return i
			end
			depth = depth - 1
		elseif depth == 0 and found(i, c) then
			return i
		end
		i = i + 1
	end
	return #text + 1
end

-- The text of the first argument of the n-th expect( that starts on the line.
local function argument_text(line, n)
	local at = 1
	for _ = 2, line do
		at = (source:find("\n", at, true) or #source) + 1
	end
	local rest = source:sub(at)
	local from = 1
	for _ = 1, n do
		local _, stop = rest:find("expect%s*%(", from)
		if not stop or (n > 1 and rest:sub(1, stop):find("\n")) then
			return nil
		end
		from = stop + 1
	end
	local stop = scan(rest, from, function(_, c) return c == "," end)
	return rest:sub(from, stop - 1)
end

local function word_at(text, i, word)
	return text:sub(i, i + #word - 1) == word and
		not text:sub(i - 1, i - 1):find("[%w_]") and
		not text:sub(i + #word, i + #word):find("[%w_]")
end

local function comparison(text)
	local at, op
	local logical = false
	scan(text, 1, function(i, c)
		if word_at(text, i, "and") or word_at(text, i, "or") or word_at(text, i, "not") then
			logical = true
		end
		local two = text:sub(i, i + 1)
		if at and i <= at + #op - 1 then
			return false
		elseif two == "==" or two == "~=" or two == "<=" or two == ">=" then
			at, op = i, two
		elseif two == "<<" or two == ">>" then
			at, op = nil, nil
			logical = true
		elseif c == "<" or c == ">" then
			at, op = i, c
		end
		return false
	end)
	if at and not logical then
		return text:sub(1, at - 1), op, text:sub(at + #op)
	end
end

-- What the names mean at that level of the stack.
local function scope(level)
	local names = {}
	local func = debug.getinfo(level, "f").func
	local i = 1
	while true do
		local name, value = debug.getupvalue(func, i)
		if not name then
			break
		end
		names[name] = { value }
		i = i + 1
	end
	i = 1
	while true do
		local name, value = debug.getlocal(level, i)
		if not name then
			break
		end
		names[name] = { value }
		i = i + 1
	end
	return setmetatable({}, { __index = function(_, key)
		if names[key] then
			return names[key][1]
		end
		return _G[key]
	end })
end

local function evaluate(text, env)
	local chunk = load("return " .. text, "=expect", "t", env)
	if not chunk then
		return false
	end
	core.quiet(true)
	local ok, value = pcall(chunk)
	core.quiet(false)
	return ok, value
end

-- Both sides of a comparison that did not hold, taken again from the text of the line.
local function explain()
	local _, line, level = place()
	if line == 0 then
		return nil
	end
	local env = scope(level)
	local n = 1
	while true do
		local text = argument_text(line, n)
		if not text then
			return nil
		end
		local left, op, right = comparison(text)
		if left then
			local ok_left, a = evaluate(left, env)
			local ok_right, b = evaluate(right, env)
			local compare = "local a, b = ... return a " .. op .. " b"
			local still = load(compare, "=expect", "t", {})
			if ok_left and ok_right then
				local ok, holds = pcall(still, a, b)
				if ok and not holds then
					local sides = show(a) .. " " .. op .. " " .. show(b)
					return text, sides .. " does not hold"
				end
			end
		elseif n == 1 then
			return text, nil
		end
		n = n + 1
	end
end

function expect(value, message)
	if value then
		return value
	end
	local text, values = explain()
	local lines = { "expectation failed" }
	if text then
		lines[1] = "expectation failed: " .. text:gsub("%s+", " ")
	end
	if values then
		lines[#lines + 1] = values
	elseif value == nil then
		lines[#lines + 1] = "the value is nil"
	end
	if message then
		lines[#lines + 1] = tostring(message)
	end
	fail(table.concat(lines, "\n    "))
end

function expect_eq(a, b, message)
	if a == b then
		return a
	end
	fail("expected " .. show(b) .. "\n    got      " .. show(a) ..
		(message and "\n    " .. tostring(message) or ""))
end

local function run(fn, ...)
	if type(fn) ~= "function" then
		real_error(place() .. "a function was expected, not a " .. type(fn), 0)
	end
	return table.pack(pcall(fn, ...))
end

local function is_failure(value, kind)
	return type(value) == "table" and rawequal(getmetatable(value), Failure) and
		value.kind == kind
end

local function what_happened(r)
	if r[1] then
		return "it succeeded" .. (r.n > 1 and " and returned " .. show(r[2]) or "")
	elseif type(r[2]) == "table" then
		return r[2].what or r[2].message
	end
	real_error(r[2], 0)
end

function expect_errno(name, fn, ...)
	if not core.errno_number(name) then
		real_error(place() .. "no such errno: " .. tostring(name), 0)
	end
	local r = run(fn, ...)
	if not r[1] and is_failure(r[2], "errno") and r[2].errno == name then
		return r[2]
	end
	fail("expected " .. name .. "\n    but " .. what_happened(r))
end

function expect_signal(name, fn, ...)
	local r = run(fn, ...)
	if not r[1] and is_failure(r[2], "signal") and r[2].signal == name then
		return r[2]
	end
	fail("expected " .. tostring(name) .. "\n    but " .. what_happened(r))
end

-- ---- what one can see of a process -------------------------------------------------------

local function fields(text)
	local t = {}
	for name, number, unit in text:gmatch("([%w_]+):%s*(%d+)( ?k?B?)") do
		t[name:lower()] = tonumber(number) * (unit == " kB" and 1024 or 1)
	end
	t.vmflags = text:match("VmFlags: ([^\n]*)")
	if t.vmflags then
		t.vmflags = t.vmflags:gsub(" $", "")
	end
	return t
end

local function add_head(t, text)
	local start, stop, perms, name = text:match("^(%x+)%-(%x+) (%S+) %S+ %S+ %S+ *([^\n]*)")
	if not start then
		return nil
	end
	t.start, t.stop = tonumber(start, 16), tonumber(stop, 16)
	-- A regular file is in a directory that every run calls something else.
	t.perms, t.name = perms, (name:gsub("^.*/usermm%-files%.%w+/", "/"))
	return t
end

function Process:maps(addr)
	if not addr then
		return core.text(self, "maps")
	end
	for line in core.text(self, "maps"):gmatch("[^\n]+") do
		local vma = add_head({}, line)
		if vma and vma.start <= addr and addr < vma.stop then
			return vma
		end
	end
	return nil
end

local rights = { ["r"] = "r", ["rw"] = "w", ["w"] = "w", ["rx"] = "x", ["x"] = "x" }

-- A letter for each page; "|" where one mapping ends and the next begins.
function Process:layout(addr, pages)
	local picture, page, stop = {}, addr, addr + pages * PAGE
	local function draw(upto, letter)
		while page < upto and page < stop do
			picture[#picture + 1] = letter
			page = page + PAGE
		end
	end
	for line in core.text(self, "maps"):gmatch("[^\n]+") do
		local vma = add_head({}, line)
		if vma and vma.stop > addr and vma.start < stop then
			draw(vma.start, ".")
			if page == vma.start and page > addr and picture[#picture] ~= "." then
				picture[#picture + 1] = "|"
			end
			local perms = vma.perms:sub(1, 3):gsub("%-", "")
			draw(vma.stop, perms == "" and "-" or rights[perms] or "X")
		end
	end
	draw(stop, ".")
	return table.concat(picture)
end

function Process:smaps(addr)
	if not addr then
		return core.text(self, "smaps")
	end
	local text = core.text(self, "smaps", addr)
	return text ~= "" and add_head(fields(text), text) or nil
end

function Process:smaps_rollup()
	return fields(core.text(self, "smaps_rollup"))
end

function Process:status()
	return fields(core.text(self, "status"))
end

local bits = { soft_dirty = 55, exclusive = 56, uffd_wp = 57, guard = 58, file = 61,
	swapped = 62, present = 63 }

function Process:pagemap(addr, count)
	local words = core.pagemap(self, addr, count or 1)
	for i = 1, #words do
		local page = {}
		for name, bit in pairs(bits) do
			page[name] = words[i] >> bit & 1 == 1
		end
		words[i] = page
	end
	return count and words or words[1]
end

-- ---- userfaultfd -------------------------------------------------------------------------

-- A word for each bit, from bit 0.
local uffd_features = { "pagefault_flag_wp", "event_fork", "event_remap", "event_remove",
	"missing_hugetlbfs", "missing_shmem", "event_unmap", "sigbus", "thread_id",
	"minor_hugetlbfs", "minor_shmem", "exact_address", "wp_hugetlbfs_shmem", "wp_unpopulated",
	"poison", "wp_async", "move" }
local uffd_ioctls = { "register", "unregister", "wake", "copy", "zeropage", "move", "writeprotect",
	"continue", "poison", [64] = "api" }
local uffd_modes = { "missing", "wp", "minor" }
local copy_modes = { "dontwake", "wp" }
local zeropage_modes = { "dontwake" }
local protect_modes = { "wp", "dontwake" }
local move_modes = { "dontwake", "allow_src_holes" }
local fault_flags = { "write", "wp", "minor" }

local function to_bits(names, words)
	if math.type(words) == "integer" then
		return words
	end
	local bits = 0
	for word in (words or ""):gmatch("[^|]+") do
		local found
		for i, name in pairs(names) do
			if name == word then
				bits, found = bits | 1 << (i - 1), true
			end
		end
		if not found then
			real_error(place() .. "there is no '" .. word .. "'", 0)
		end
	end
	return bits
end

local function to_words(names, bits)
	local words = {}
	for i = 1, 64 do
		if bits >> (i - 1) & 1 == 1 then
			words[#words + 1] = names[i] or ("bit%d"):format(i - 1)
		end
	end
	return table.concat(words, "|")
end

-- The number of an ioctl, as the kernel's headers make it.
local function command(direction, nr, words)
	return direction << 30 | words * 8 << 16 | 0xaa << 8 | nr
end

-- The words of the structure that came back; in a failure too, as what.words.
local function ioctl(self, fd, number, ...)
	local shape = ("i8"):rep(select("#", ...))
	local r = table.pack(pcall(Process.ioctl, self, fd, number, string.pack("<" .. shape, ...)))
	if r[1] then
		return string.unpack("<" .. shape, r[2])
	elseif is_failure(r[2], "errno") and #r[2].bytes > 0 then
		r[2].words = { string.unpack("<" .. shape, r[2].bytes) }
	end
	real_error(r[2], 0)
end

-- uffd_api(fd, features): the features that the kernel has, and its ioctls.
function Process:uffd_api(fd, features, version)
	local _, has, ioctls = ioctl(self, fd, command(3, 0x3f, 3), version or 0xaa,
		to_bits(uffd_features, features), 0)
	return to_words(uffd_features, has), to_words(uffd_ioctls, ioctls)
end

-- The ioctls that the range supports.
function Process:uffd_register(fd, addr, len, mode)
	local _, _, _, ioctls = ioctl(self, fd, command(3, 0, 4), addr, len,
		to_bits(uffd_modes, mode), 0)
	return to_words(uffd_ioctls, ioctls)
end

function Process:uffd_unregister(fd, addr, len)
	ioctl(self, fd, command(2, 1, 2), addr, len)
	return true
end

function Process:uffd_wake(fd, addr, len)
	ioctl(self, fd, command(2, 2, 2), addr, len)
	return true
end

-- How many bytes were copied; a failure says it in failure.words[5].
function Process:uffd_copy(fd, dst, src, len, mode)
	local _, _, _, _, copied = ioctl(self, fd, command(3, 3, 5), dst, src, len,
		to_bits(copy_modes, mode), 0)
	return copied
end

function Process:uffd_zeropage(fd, addr, len, mode)
	local _, _, _, zeroed = ioctl(self, fd, command(3, 4, 4), addr, len,
		to_bits(zeropage_modes, mode), 0)
	return zeroed
end

function Process:uffd_move(fd, dst, src, len, mode)
	local _, _, _, _, moved = ioctl(self, fd, command(3, 5, 5), dst, src, len,
		to_bits(move_modes, mode), 0)
	return moved
end

function Process:uffd_writeprotect(fd, addr, len, mode)
	ioctl(self, fd, command(3, 6, 3), addr, len, to_bits(protect_modes, mode))
	return true
end

function Process:uffd_continue(fd, addr, len, mode)
	local _, _, _, mapped = ioctl(self, fd, command(3, 7, 4), addr, len,
		to_bits(copy_modes, mode), 0)
	return mapped
end

function Process:uffd_poison(fd, addr, len, mode)
	local _, _, _, updated = ioctl(self, fd, command(3, 8, 4), addr, len,
		to_bits(zeropage_modes, mode), 0)
	return updated
end

-- The next message, as a table; it waits for one unless the descriptor is nonblock.
function Process:uffd_read(fd)
	local bytes = self:read_fd(fd)
	local event, a, b, c = string.unpack("<Bxxxxxxxi8i8i8", bytes)
	if event == 0x12 then
		return { event = "pagefault", flags = to_words(fault_flags, a), addr = b,
			thread = c & 0xffffffff }
	elseif event == 0x13 then
		return { event = "fork", fd = a & 0xffffffff }
	elseif event == 0x14 then
		return { event = "remap", from = a, to = b, len = c }
	elseif event == 0x15 then
		return { event = "remove", start = a, stop = b }
	elseif event == 0x16 then
		return { event = "unmap", start = a, stop = b }
	end
	return { event = event }
end

function Process:try(name, ...)
	local r = table.pack(pcall(Process[name], self, ...))
	if r[1] then
		return table.unpack(r, 2, r.n)
	elseif is_failure(r[2], "errno") then
		return nil, r[2].errno, r[2]
	elseif is_failure(r[2], "signal") then
		return nil, r[2].signal, r[2]
	end
	real_error(r[2], 0)
end

setmetatable(Process, { __index = function(_, name)
	real_error(place() .. "a process has no " .. tostring(name) ..
		"; usermm-scenario(7) lists what it has", 0)
end })

for name, func in pairs(core.globals) do
	_G[name] = func
end

for _, name in ipairs { "_core", "_source", "_seed", "debug", "load", "loadfile", "dofile",
	"require", "package", "collectgarbage", "warn" } do
	_G[name] = nil
end
