/* SPDX-License-Identifier: MIT */
/* The methods of a scenario's process: arguments into a step, a step's outcome into values. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/memory.h"
#include "scenario/script_internal.h"
#include "scenario/words.h"

#define PROCESS "usermm.process"
#define FAILURE "usermm.failure"
#define MAX_RANGES 4096

/* ---- tasks as values ------------------------------------------------------------------ */

static struct scn_task *check_process(lua_State *L, int index)
{
	struct scn_task **box = luaL_checkudata(L, index, PROCESS);

	return *box;
}

struct scn_task *api_check_task(lua_State *L, int index)
{
	struct scn_task *task = check_process(L, index);
	struct script_fiber *fiber = script_current_fiber(script_of(L));

	if (fiber && fiber->task->process == task && !fiber->task->dead)
		return fiber->task;
	if (task->dead)
		luaL_error(L, "process %s has ended", task->label);
	if (fiber && fiber->body && task->body != fiber->body)
		luaL_error(
			L,
			"%s is not a process of this function: concurrent() takes them before it",
			task->label);
	return task;
}

void api_push_task(lua_State *L, struct scn_task *task)
{
	struct script_fiber *fiber = script_current_fiber(script_of(L));
	struct scn_task **box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = task;
	luaL_setmetatable(L, PROCESS);
	if (fiber)
		task->body = fiber->body;
}

/* ---- outcomes ------------------------------------------------------------------------- */

void api_push_failure(lua_State *L, const char *kind)
{
	lua_createtable(L, 0, 8);
	luaL_setmetatable(L, FAILURE);
	lua_insert(L, -2);
	lua_setfield(L, -2, "message");
	lua_pushstring(L, kind);
	lua_setfield(L, -2, "kind");
}

static void push_step_failure(lua_State *L, const struct scn_step *step, const char *kind)
{
	struct script *script = script_of(L);
	const char *label = step->task ? step->task->label : "the machine";
	char call[512], result[512];

	scn_step_format(step, call, sizeof(call));
	scn_result_format(step, result, sizeof(result));
	lua_pushfstring(L, "%s:%d: %s: %s = %s", script->file->path, (int)step->line, label, call,
			result);
	api_push_failure(L, kind);
	lua_pushfstring(L, "%s: %s = %s", label, call, result);
	lua_setfield(L, -2, "what");
}

static int raise_signal(lua_State *L, const struct scn_step *step)
{
	push_step_failure(L, step, "signal");
	lua_pushstring(L, scn_signal_name(step->fault.signo));
	lua_setfield(L, -2, "signal");
	lua_pushstring(L, scn_signal_code_name(step->fault.signo, step->fault.code));
	lua_setfield(L, -2, "code");
	lua_pushinteger(L, (lua_Integer)step->fault.addr);
	lua_setfield(L, -2, "addr");
	return lua_error(L);
}

static int raise_errno(lua_State *L, const struct scn_step *step)
{
	push_step_failure(L, step, "errno");
	lua_pushstring(L, scn_errno_name((int)-step->result));
	lua_setfield(L, -2, "errno");
	lua_pushinteger(L, -step->result);
	lua_setfield(L, -2, "number");
	if (step->kind == SCN_IOCTL) {
		lua_pushlstring(L, step->out, step->done);
		lua_setfield(L, -2, "bytes");
	}
	return lua_error(L);
}

void api_run(lua_State *L, struct scn_step *step)
{
	struct script *script = script_of(L);
	int ret;

	if (script->ending)
		script_end(L, script->ending);
	if (script->session->nr_steps >= SCRIPT_MAX_STEPS) {
		snprintf(script->session->reason, sizeof(script->session->reason),
			 "the scenario has made %u steps and does not end", SCRIPT_MAX_STEPS);
		script_end(L, SCRIPT_RUNAWAY);
	}
	script->session->line = step->line = script_line(L);
	ret = scn_session_run(script->session, step);
	if (ret)
		script_end(L, ret);
	if (step->fault.signo)
		raise_signal(L, step);
	if (step->result < 0 && step->result > -4096)
		raise_errno(L, step);
}

/* ---- arguments ------------------------------------------------------------------------ */

uint64_t api_check_words(lua_State *L, int index, enum scn_vocabulary which)
{
	const char *text, *bad;
	uint64_t value;

	if (lua_isinteger(L, index))
		return (uint64_t)lua_tointeger(L, index);
	text = luaL_checkstring(L, index);
	if (!scn_words_parse(which, text, &value, &bad)) {
		const struct scn_word *word = scn_words(which);

		lua_pushstring(L, which == WORDS_PROT ? "letters of rwx, none" : "");
		for (; word->name; word++) {
			const char *known = lua_tostring(L, -1);

			lua_pushfstring(L, "%s%s%s", known, *known ? ", " : "", word->name);
		}
		luaL_error(L, "'%s' is none of: %s", bad, lua_tostring(L, -1));
	}
	return value;
}

uint64_t api_opt_words(lua_State *L, int index, enum scn_vocabulary which, uint64_t otherwise)
{
	return lua_isnoneornil(L, index) ? otherwise : api_check_words(L, index, which);
}

static uint64_t check_number(lua_State *L, int index)
{
	return (uint64_t)luaL_checkinteger(L, index);
}

static uint64_t opt_number(lua_State *L, int index, uint64_t otherwise)
{
	return (uint64_t)luaL_optinteger(L, index, (lua_Integer)otherwise);
}

uint64_t api_check_length(lua_State *L, int index)
{
	lua_Integer len = luaL_checkinteger(L, index);

	luaL_argcheck(L, len >= 0 && len <= API_MAX_BLOCK_BYTES, index, "0 to 16M bytes at once");
	return (uint64_t)len;
}

/* ---- calls with plain arguments ------------------------------------------------------- */

/*
 * One letter an argument, in Lua's order, which is the order of args[]:
 *   n number  N number or nothing (0)  p prot  v advice  r mremap flags or nothing
 *   2 mlock2 flags or nothing  l mlockall flags  y msync flags  R rlimit  s size or "unlimited"
 *   F fallocate mode  S seals  A fadvise advice
 */
static const struct simple_call {
	enum scn_kind kind;
	const char *shape;
	bool gives_number; /* else true */
} simple_calls[] = {
	{ SCN_MUNMAP, "nn", false },    { SCN_MPROTECT, "nnp", false },
	{ SCN_MREMAP, "nnnrN", true },  { SCN_MADVISE, "nnv", false },
	{ SCN_MLOCK, "nn", false },     { SCN_MLOCK2, "nn2", false },
	{ SCN_MUNLOCK, "nn", false },   { SCN_MLOCKALL, "l", false },
	{ SCN_MUNLOCKALL, "", false },  { SCN_BRK, "N", true },
	{ SCN_MSYNC, "nny", false },    { SCN_PIN, "nn", true },
	{ SCN_UNPIN, "n", false },      { SCN_SETRLIMIT, "Rs", false },
	{ SCN_FETCH, "n", false },      { SCN_CLOSE, "n", false },
	{ SCN_FTRUNCATE, "nn", false }, { SCN_FALLOCATE, "nFnn", false },
	{ SCN_ADD_SEALS, "nS", false }, { SCN_FSYNC, "n", false },
	{ SCN_FADVISE, "nnnA", false }, { SCN_SWAPOFF, "n", false },
};

static uint64_t check_shape(lua_State *L, int index, char shape)
{
	switch (shape) {
	case 'n':
		return check_number(L, index);
	case 'N':
		return opt_number(L, index, 0);
	case 'p':
		return api_check_words(L, index, WORDS_PROT);
	case 'v':
		return api_check_words(L, index, WORDS_ADVICE);
	case 'r':
		return api_opt_words(L, index, WORDS_MREMAP, 0);
	case '2':
		return api_opt_words(L, index, WORDS_MLOCK2, 0);
	case 'l':
		return api_check_words(L, index, WORDS_MLOCKALL);
	case 'y':
		return api_check_words(L, index, WORDS_MSYNC);
	case 'R':
		return api_check_words(L, index, WORDS_RLIMIT);
	case 'F':
		return api_check_words(L, index, WORDS_FALLOCATE);
	case 'S':
		return api_check_words(L, index, WORDS_SEALS);
	case 'A':
		return api_check_words(L, index, WORDS_FADVISE);
	default:
		if (lua_type(L, index) == LUA_TSTRING &&
		    !strcmp(lua_tostring(L, index), "unlimited"))
			return SCN_UNLIMITED;
		return check_number(L, index);
	}
}

static int call_simple(lua_State *L)
{
	const struct simple_call *call = lua_touserdata(L, lua_upvalueindex(1));
	struct scn_step step = { .kind = call->kind, .task = api_check_task(L, 1) };
	int nr = (int)strlen(call->shape);

	if (lua_gettop(L) > nr + 1)
		return luaL_error(L, "%s takes %d arguments", scn_kind_name(call->kind), nr);
	for (int i = 0; i < nr; i++)
		step.args[i] = check_shape(L, i + 2, call->shape[i]);
	api_run(L, &step);
	if (call->gives_number)
		lua_pushinteger(L, step.result);
	else
		lua_pushboolean(L, 1);
	return 1;
}

/* ---- mmap ----------------------------------------------------------------------------- */

static void check_mmap_field(lua_State *L, struct scn_step *step, const char *name, int value)
{
	if (!strcmp(name, "addr"))
		step->args[0] = check_number(L, value);
	else if (!strcmp(name, "len"))
		step->args[1] = check_number(L, value);
	else if (!strcmp(name, "prot"))
		step->args[2] = api_check_words(L, value, WORDS_PROT);
	else if (!strcmp(name, "flags"))
		step->args[3] = api_check_words(L, value, WORDS_MAP);
	else if (!strcmp(name, "fd"))
		step->args[4] = check_number(L, value);
	else if (!strcmp(name, "offset"))
		step->args[5] = check_number(L, value);
	else
		luaL_error(L, "mmap has no '%s', only addr, len, prot, flags, fd, offset", name);
}

static int call_mmap(lua_State *L)
{
	struct scn_step step = { .kind = SCN_MMAP, .task = api_check_task(L, 1) };

	step.args[2] = 3;    /* rw */
	step.args[3] = 0x22; /* private, anonymous */
	step.args[4] = UINT64_MAX;
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			return luaL_error(L, "mmap takes a table of named arguments");
		check_mmap_field(L, &step, lua_tostring(L, -2), lua_gettop(L));
	}
	if (lua_getfield(L, 2, "len") == LUA_TNIL)
		return luaL_error(L, "mmap needs a len");
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	return 1;
}

/* ---- calls with memory ---------------------------------------------------------------- */

static int call_mincore(lua_State *L)
{
	struct scn_step step = { .kind = SCN_MINCORE, .task = api_check_task(L, 1) };
	uint64_t len, pages;
	char *vec;

	step.args[0] = check_number(L, 2);
	step.args[1] = len = check_number(L, 3);
	pages = len / UMM_PAGE_SIZE + (len % UMM_PAGE_SIZE != 0);
	/* What does not end in the address space is refused before the vector is written. */
	if (step.args[0] + len < len || step.args[0] + len > WINDOW_END)
		pages = 0;
	luaL_argcheck(L, pages <= API_MAX_BLOCK_BYTES, 3, "at most 64 GiB at once");
	step.out = vec = lua_newuserdatauv(L, pages + 1, 0);
	step.out_bytes = pages;
	api_run(L, &step);
	for (uint64_t i = 0; i < step.done; i++)
		vec[i] = (vec[i] & 1) ? '1' : '0';
	lua_pushlstring(L, vec, step.done);
	return 1;
}

static int call_read(lua_State *L)
{
	struct scn_step step = { .kind = SCN_READ, .task = api_check_task(L, 1) };

	step.args[0] = check_number(L, 2);
	step.out_bytes = api_check_length(L, 3);
	step.out = lua_newuserdatauv(L, step.out_bytes + 1, 0);
	api_run(L, &step);
	lua_pushlstring(L, step.out, step.done);
	return 1;
}

static int call_write(lua_State *L)
{
	struct scn_step step = { .kind = SCN_WRITE, .task = api_check_task(L, 1) };
	size_t len;

	step.args[0] = check_number(L, 2);
	step.in = luaL_checklstring(L, 3, &len);
	luaL_argcheck(L, len <= API_MAX_BLOCK_BYTES, 3, "at most 16M bytes at once");
	step.in_bytes = len;
	api_run(L, &step);
	lua_pushboolean(L, 1);
	return 1;
}

/* load(a, size), store|xchg|fetch_add(a, value, size), cmpxchg(a, expected, desired, size) */
static int call_access(lua_State *L)
{
	struct scn_step step = { .task = api_check_task(L, 1) };
	int values, size_at;

	step.kind = (enum scn_kind)lua_tointeger(L, lua_upvalueindex(1));
	values = step.kind == SCN_LOAD ? 0 : step.kind == SCN_CMPXCHG ? 2 : 1;
	size_at = 3 + values;
	step.args[0] = check_number(L, 2);
	step.args[1] = opt_number(L, size_at, 8);
	if (values == 1)
		step.args[2] = check_number(L, 3);
	if (values == 2) {
		step.args[2] = check_number(L, 4);
		step.args[3] = check_number(L, 3);
	}
	api_run(L, &step);
	if (step.kind == SCN_STORE)
		lua_pushboolean(L, 1);
	else
		lua_pushinteger(L, (lua_Integer)step.value);
	return 1;
}

/* The table of {addr, len} at index (of 5) as an array that lives as long as the stack. */
static void check_ranges(lua_State *L, int index, struct scn_step *step, uint64_t *ret_total)
{
	struct umm_iovec *ranges;
	lua_Integer nr;

	luaL_checktype(L, index, LUA_TTABLE);
	lua_settop(L, 5);
	nr = luaL_len(L, index);
	luaL_argcheck(L, nr <= MAX_RANGES, index, "at most 4096 ranges");
	ranges = lua_newuserdatauv(L, ((size_t)nr + 1) * sizeof(*ranges), 0);
	*ret_total = 0;
	for (lua_Integer i = 0; i < nr; i++) {
		if (lua_geti(L, index, i + 1) != LUA_TTABLE)
			luaL_error(L, "a range is {addr, len}");
		lua_geti(L, -1, 1);
		lua_geti(L, -2, 2);
		ranges[i].addr = check_number(L, -2);
		ranges[i].len_bytes = check_number(L, -1);
		*ret_total += ranges[i].len_bytes;
		lua_pop(L, 3);
	}
	step->ranges = ranges;
	step->nr_ranges = (uint64_t)nr;
}

/* vm_readv(remote, ranges, len, flags): len is the room, the sum of the ranges if not given. */
static int call_vm_readv(lua_State *L)
{
	struct scn_step step = { .kind = SCN_VM_READV, .task = api_check_task(L, 1) };
	uint64_t total;

	step.remote = check_process(L, 2);
	check_ranges(L, 3, &step, &total);
	step.out_bytes = total <= API_MAX_BLOCK_BYTES ? total : 4096;
	if (!lua_isnoneornil(L, 4))
		step.out_bytes = api_check_length(L, 4);
	step.args[0] = opt_number(L, 5, 0);
	step.out = lua_newuserdatauv(L, step.out_bytes + 1, 0);
	api_run(L, &step);
	lua_pushlstring(L, step.out, step.done);
	return 1;
}

/* vm_writev(remote, ranges, bytes, flags): gives how many were written. */
static int call_vm_writev(lua_State *L)
{
	struct scn_step step = { .kind = SCN_VM_WRITEV, .task = api_check_task(L, 1) };
	uint64_t total;
	size_t len;

	step.remote = check_process(L, 2);
	check_ranges(L, 3, &step, &total);
	step.in = luaL_checklstring(L, 4, &len);
	step.in_bytes = len;
	step.args[0] = opt_number(L, 5, 0);
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	return 1;
}

/* ---- processes ------------------------------------------------------------------------ */

static int call_process(lua_State *L)
{
	struct scn_step step = { .kind = SCN_PROCESS };

	api_run(L, &step);
	api_push_task(L, step.made);
	return 1;
}

static int call_fork(lua_State *L)
{
	struct scn_step step = { .kind = SCN_FORK, .task = api_check_task(L, 1) };

	api_run(L, &step);
	api_push_task(L, step.made);
	return 1;
}

static int call_exit(lua_State *L)
{
	struct scn_step step = { .kind = SCN_EXIT, .task = api_check_task(L, 1) };

	if (step.task->thread_nr)
		return luaL_error(L, "a thread ends with its function, not with exit");
	if (step.task->live_threads > 1)
		return luaL_error(L, "%s still has threads; join them first", step.task->label);
	api_run(L, &step);
	return 0;
}

/* Whoever acts as the task, it may be in a call. */
int api_send(lua_State *L, enum scn_kind kind, struct scn_task *task)
{
	struct scn_step step = { .kind = kind, .task = task };

	if (task->dead)
		return luaL_error(L, "%s has ended", task->label);
	api_run(L, &step);
	return 0;
}

/* The call is over when the process is; in concurrent() that is at its end. */
static int call_kill(lua_State *L)
{
	struct scn_task *process = check_process(L, 1);
	struct script *script = script_of(L);

	api_send(L, SCN_KILL, process);
	while (process->live_threads && !script->session->concurrent) {
		if (script->session->ops->set_wait)
			umm_sim_wait_outside();
		else
			umm_sim_yield();
	}
	return 0;
}

static int call_signal(lua_State *L)
{
	return api_send(L, SCN_SIGNAL, check_process(L, 1));
}

static int call_cap_ipc_lock(lua_State *L)
{
	struct scn_step step = { .kind = SCN_CAP_IPC_LOCK, .task = api_check_task(L, 1) };

	luaL_checktype(L, 2, LUA_TBOOLEAN);
	step.args[0] = (uint64_t)lua_toboolean(L, 2);
	api_run(L, &step);
	return 0;
}

static int process_tostring(lua_State *L)
{
	lua_pushstring(L, check_process(L, 1)->label);
	return 1;
}

static int process_alive(lua_State *L)
{
	lua_pushboolean(L, !check_process(L, 1)->dead);
	return 1;
}

/* ---- what the prelude builds on ------------------------------------------------------- */

/* text(process, which [, addr]) */
static int core_text(lua_State *L)
{
	static const char *const names[] = { "maps", "smaps", "smaps_rollup", "status", NULL };
	struct scn_task *task = api_check_task(L, 1);
	struct script *script = script_of(L);
	int which = luaL_checkoption(L, 2, NULL, names);
	uint64_t start = opt_number(L, 3, 0);
	uint64_t end = lua_isnoneornil(L, 3) ? UINT64_MAX : start + 1;
	char *text = scn_session_text(script->session, task, (enum scn_text)which, start, end);
	const char *copy;

	if (!text)
		return luaL_error(L, "%s", script->session->reason);
	/* Lua may raise when it runs out of memory; a userdata would cost a copy more. */
	copy = lua_checkstack(L, 2) ? lua_pushstring(L, text) : NULL;
	scn_free(text);
	return copy ? 1 : luaL_error(L, "too many values on the stack");
}

static int core_pagemap(lua_State *L)
{
	struct scn_task *task = api_check_task(L, 1);
	struct script *script = script_of(L);
	uint64_t addr = check_number(L, 2), nr = check_number(L, 3);
	uint64_t *words;
	int ret;

	luaL_argcheck(L, nr <= 1u << 20, 3, "at most 1M pages at once");
	words = lua_newuserdatauv(L, (nr + 1) * sizeof(*words), 0);
	script->session->nr_looking++;
	ret = script->session->ops->pagemap(script->session->backend, task,
					    addr & ~(uint64_t)(UMM_PAGE_SIZE - 1), nr, words);
	script->session->nr_looking--;
	if (ret)
		return luaL_error(L, "pagemap of %s: %s", task->label, scn_errno_name(-ret));
	lua_createtable(L, (int)nr, 0);
	for (uint64_t i = 0; i < nr; i++) {
		lua_pushinteger(L, (lua_Integer)words[i]);
		lua_seti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

static int core_print(lua_State *L)
{
	struct script *script = script_of(L);
	int ret;

	script->session->line = script_line(L);
	ret = scn_session_print(script->session, luaL_checkstring(L, 1));
	return ret ? script_end(L, ret) : 0;
}

static int core_quiet(lua_State *L)
{
	script_of(L)->session->quiet = lua_toboolean(L, 1);
	return 0;
}

static int core_errno_number(lua_State *L)
{
	int number = scn_errno_number(luaL_checkstring(L, 1));

	if (number)
		lua_pushinteger(L, number);
	else
		lua_pushnil(L);
	return 1;
}

static int failure_tostring(lua_State *L)
{
	lua_getfield(L, 1, "message");
	return 1;
}

static void add_methods(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "mmap", call_mmap },
		{ "mincore", call_mincore },
		{ "read", call_read },
		{ "write", call_write },
		{ "vm_readv", call_vm_readv },
		{ "vm_writev", call_vm_writev },
		{ "fork", call_fork },
		{ "exit", call_exit },
		{ "kill", call_kill },
		{ "signal", call_signal },
		{ "cap_ipc_lock", call_cap_ipc_lock },
		{ "alive", process_alive },
		{ NULL, NULL },
	};
	static const enum scn_kind accesses[] = { SCN_LOAD, SCN_STORE, SCN_XCHG, SCN_FETCH_ADD,
						  SCN_CMPXCHG };

	luaL_setfuncs(L, methods, 0);
	for (size_t i = 0; i < sizeof(simple_calls) / sizeof(simple_calls[0]); i++) {
		lua_pushlightuserdata(L, (void *)(uintptr_t)&simple_calls[i]);
		lua_pushcclosure(L, call_simple, 1);
		lua_setfield(L, -2, scn_kind_name(simple_calls[i].kind));
	}
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		lua_pushinteger(L, accesses[i]);
		lua_pushcclosure(L, call_access, 1);
		lua_setfield(L, -2, scn_kind_name(accesses[i]));
	}
}

void api_open(lua_State *L)
{
	static const luaL_Reg core[] = {
		{ "text", core_text },
		{ "pagemap", core_pagemap },
		{ "print", core_print },
		{ "quiet", core_quiet },
		{ "errno_number", core_errno_number },
		{ NULL, NULL },
	};

	luaL_newlib(L, core);
	luaL_newmetatable(L, PROCESS);
	lua_pushcfunction(L, process_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_newtable(L);
	add_methods(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, -4, "Process");
	lua_setfield(L, -2, "__index");
	lua_pushliteral(L, "process");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
	luaL_newmetatable(L, FAILURE);
	lua_pushcfunction(L, failure_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_setfield(L, -2, "Failure");
	lua_newtable(L);
	lua_pushcfunction(L, call_process);
	lua_setfield(L, -2, "process");
	lua_setfield(L, -2, "globals");
	lua_setglobal(L, "_core");
	api_open_files(L);
	api_open_uffd(L);
	api_open_scan(L);
	api_open_model(L);
	api_open_threads(L);
	api_open_concurrent(L);
}
