/* SPDX-License-Identifier: MIT */
/* The methods of a scenario's process on files, swap and nodes. */
#include <string.h>

#include "scenario/script_internal.h"
#include "scenario/words.h"

#define MAX_PAGES_MOVED 1024

/* A name as the step's input; it stays alive on the stack. */
static void check_name(lua_State *L, int index, struct scn_step *step)
{
	size_t len;

	step->in = luaL_checklstring(L, index, &len);
	luaL_argcheck(L, strlen(step->in) == len, index, "a name has no zero bytes");
	step->in_bytes = len;
}

static uint64_t check_offset(lua_State *L, int index)
{
	return (uint64_t)luaL_optinteger(L, index, 0);
}

/* memfd_create(name, flags) → fd */
static int call_memfd(lua_State *L)
{
	struct scn_step step = { .kind = SCN_MEMFD, .task = api_check_task(L, 1) };

	check_name(L, 2, &step);
	luaL_argcheck(L, step.in_bytes <= 1024, 2, "at most 1024 bytes");
	step.args[0] = api_opt_words(L, 3, WORDS_MEMFD, 0);
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	return 1;
}

/* open(name, flags) → fd: a regular file, in a directory of the scenario's own */
static int call_open(lua_State *L)
{
	struct scn_step step = { .kind = SCN_OPEN, .task = api_check_task(L, 1) };

	check_name(L, 2, &step);
	luaL_argcheck(L, step.in_bytes && step.in_bytes <= 64 && !strchr(step.in, '/'), 2,
		      "a name of 1 to 64 bytes without a slash");
	step.args[0] = api_opt_words(L, 3, WORDS_OPEN, 0);
	step.args[1] = 0600;
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	return 1;
}

/* pread(fd, len, offset) → bytes */
static int call_pread(lua_State *L)
{
	struct scn_step step = { .kind = SCN_PREAD, .task = api_check_task(L, 1) };

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	step.args[1] = check_offset(L, 4);
	step.out_bytes = api_check_length(L, 3);
	step.out = lua_newuserdatauv(L, step.out_bytes + 1, 0);
	api_run(L, &step);
	lua_pushlstring(L, step.out, step.done);
	return 1;
}

/* pwrite(fd, bytes, offset) → how many were written */
static int call_pwrite(lua_State *L)
{
	struct scn_step step = { .kind = SCN_PWRITE, .task = api_check_task(L, 1) };
	size_t len;

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	step.in = luaL_checklstring(L, 3, &len);
	luaL_argcheck(L, len <= API_MAX_BLOCK_BYTES, 3, "at most 16M bytes at once");
	step.in_bytes = len;
	step.args[1] = check_offset(L, 4);
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	return 1;
}

/* fsize(fd) → size in bytes, blocks of 512 bytes that it takes up */
static int call_fsize(lua_State *L)
{
	struct scn_step step = { .kind = SCN_FSTAT, .task = api_check_task(L, 1) };

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	lua_pushinteger(L, (lua_Integer)step.value);
	return 2;
}

/*
 * move_pages(addr, pages [, node [, flags]]) → the node of each page, or "ENOENT" and its like; and
 * how many could not be moved, whose places in the array then say nothing
 */
static int call_move_pages(lua_State *L)
{
	struct scn_step step = { .kind = SCN_MOVE_PAGES, .task = api_check_task(L, 1) };
	int32_t *statuses;

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	step.args[1] = (uint64_t)luaL_checkinteger(L, 3);
	luaL_argcheck(L, step.args[1] <= MAX_PAGES_MOVED, 3, "at most 1024 pages at once");
	step.args[2] = (uint64_t)luaL_optinteger(L, 4, -1);
	step.args[3] = api_opt_words(L, 5, WORDS_MOVE, 0);
	step.out_bytes = step.args[1] * sizeof(*statuses);
	step.out = statuses = lua_newuserdatauv(L, step.out_bytes + 1, 0);
	memset(statuses, 0, step.out_bytes);
	api_run(L, &step);
	lua_createtable(L, (int)step.args[1], 0);
	for (uint64_t i = 0; i < step.args[1]; i++) {
		if (statuses[i] < 0)
			lua_pushstring(L, scn_errno_name(-statuses[i]));
		else
			lua_pushinteger(L, statuses[i]);
		lua_seti(L, -2, (lua_Integer)i + 1);
	}
	lua_pushinteger(L, step.result);
	return 2;
}

/* swapon(pages [, priority]) → the number of the area, from 1 */
static int call_swapon(lua_State *L)
{
	struct scn_step step = { .kind = SCN_SWAPON, .task = api_check_task(L, 1) };

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	luaL_argcheck(L, step.args[0] <= 1u << 18, 2, "at most 1 GiB");
	step.args[1] = (uint64_t)luaL_optinteger(L, 3, -1);
	api_run(L, &step);
	script_of(L)->session->swapped = true;
	lua_pushinteger(L, step.result);
	return 1;
}

static int call_get_seals(lua_State *L)
{
	struct scn_step step = { .kind = SCN_GET_SEALS, .task = api_check_task(L, 1) };
	char buf[128];

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	api_run(L, &step);
	lua_pushstring(L, step.result ? scn_words_format(WORDS_SEALS, (uint64_t)step.result, buf,
							 sizeof(buf)) :
					"");
	return 1;
}

void api_open_files(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "memfd_create", call_memfd },
		{ "open", call_open },
		{ "pread", call_pread },
		{ "pwrite", call_pwrite },
		{ "fsize", call_fsize },
		{ "get_seals", call_get_seals },
		{ "move_pages", call_move_pages },
		{ "swapon", call_swapon },
		{ NULL, NULL },
	};

	lua_getglobal(L, "_core");
	lua_getfield(L, -1, "Process");
	luaL_setfuncs(L, methods, 0);
	lua_pop(L, 2);
}
