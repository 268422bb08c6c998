/* SPDX-License-Identifier: MIT */
/* How the machine is set up, and what only a model can answer. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario/script_internal.h"
#include "scenario/words.h"

#define MAX_COUNTERS 256

static struct umm_machine *check_model(lua_State *L, const char *what)
{
	struct scn_session *session = script_of(L)->session;
	int ret;

	if (!session->ops->machine) {
		luaL_error(L,
			   "%s: only a model can answer this; a scenario that asks says "
			   "\"-- only: model (why)\" in its first lines",
			   what);
		return NULL;
	}
	ret = scn_session_start(session);
	if (ret)
		script_end(L, ret);
	return session->ops->machine(session->backend);
}

static void set_option(lua_State *L, const char *name, const char *value)
{
	int ret = umm_config_set(&script_of(L)->session->config, name, value);
	char why[512];

	if (ret)
		luaL_error(L, "machine: %s", scn_option_error(ret, name, value, why, sizeof(why)));
}

/* machine{ ram = 64*M, cpus = 2, tlb_flush = "ipi", ... } */
static int call_machine(lua_State *L)
{
	int whole;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (script_of(L)->session->backend)
		return luaL_error(L, "machine{} comes before the first process");
	lua_settop(L, 1);
	for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			return luaL_error(L, "machine{} takes named options");
		/* 1*G/2 is a float to Lua. */
		if (lua_type(L, -1) == LUA_TNUMBER && lua_tointegerx(L, -1, &whole) && whole) {
			lua_pushinteger(L, lua_tointeger(L, -1));
			lua_replace(L, -2);
		}
		if (lua_isboolean(L, -1))
			set_option(L, lua_tostring(L, -2), lua_toboolean(L, -1) ? "on" : "off");
		else
			set_option(L, lua_tostring(L, -2), luaL_checkstring(L, -1));
	}
	return 0;
}

static int call_verify(lua_State *L)
{
	char report[1500];
	int found = umm_verify(check_model(L, "verify"), report, sizeof(report));

	if (found) {
		lua_pushfstring(L, "%s:%d: the machine contradicts itself:\n%s",
				script_of(L)->file->path, (int)script_line(L), report);
		api_push_failure(L, "verify");
		return lua_error(L);
	}
	lua_pushboolean(L, 1);
	return 1;
}

static int call_counters(lua_State *L)
{
	struct umm_counter counters[MAX_COUNTERS];
	unsigned nr = umm_counters(check_model(L, "counters"), counters, MAX_COUNTERS);

	lua_createtable(L, 0, (int)nr);
	for (unsigned i = 0; i < nr && i < MAX_COUNTERS; i++) {
		lua_pushinteger(L, (lua_Integer)counters[i].value);
		lua_setfield(L, -2, counters[i].name);
	}
	return 1;
}

static void set_bool(lua_State *L, const char *name, bool value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, uint64_t value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, name);
}

static int call_model_page(lua_State *L)
{
	struct scn_task *task = api_check_task(L, 1);
	struct umm_page_info info = { 0 };
	struct umm_task *model;
	int ret;

	check_model(L, "model_page");
	model = script_of(L)->session->ops->model_task(task);
	ret = umm_page_info(model, (uint64_t)luaL_checkinteger(L, 2), &info);
	if (ret)
		return luaL_error(L, "model_page: %s", scn_errno_name(-ret));
	lua_createtable(L, 0, 24);
	lua_pushstring(L, info.state);
	lua_setfield(L, -2, "state");
	set_number(L, "entry", info.entry);
	set_number(L, "pfn", info.pfn);
	set_number(L, "refcount", info.refcount);
	set_number(L, "mapcount", info.mapcount);
	set_number(L, "pincount", info.pincount);
	set_bool(L, "anon", info.anon);
	set_bool(L, "anon_exclusive", info.anon_exclusive);
	set_bool(L, "zero_page", info.zero_page);
	set_bool(L, "dirty", info.dirty);
	set_bool(L, "lru", info.lru);
	set_bool(L, "locked", info.locked);
	set_bool(L, "mlocked", info.mlocked);
	set_bool(L, "file", info.file);
	set_bool(L, "swapbacked", info.swapbacked);
	set_bool(L, "swapcache", info.swapcache);
	set_bool(L, "active", info.active);
	set_bool(L, "referenced", info.referenced);
	set_bool(L, "uptodate", info.uptodate);
	set_number(L, "swap_area", info.swap_area);
	set_number(L, "swap_slot", info.swap_slot);
	set_number(L, "swap_count", info.swap_count);
	return 1;
}

/* fail{ site =, order =, nth =, probability = }; fail() lets allocations succeed again. */
static int call_fail(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "fail");
	struct umm_fail fail = { .order = -1 };
	int ret;

	if (lua_isnoneornil(L, 1)) {
		umm_fail_set(machine, NULL);
		return 0;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "site");
	fail.site = luaL_optstring(L, -1, NULL);
	lua_getfield(L, 1, "order");
	fail.order = (int)luaL_optinteger(L, -1, -1);
	lua_getfield(L, 1, "nth");
	fail.nth = (uint64_t)luaL_optinteger(L, -1, 0);
	lua_getfield(L, 1, "probability");
	fail.probability = luaL_optnumber(L, -1, 0);
	ret = umm_fail_set(machine, &fail);
	return ret ? luaL_error(L, "fail: no such site, or a value out of range") : 0;
}

/* Matching allocations seen, and failed, since fail{}. */
static int call_fail_stats(lua_State *L)
{
	uint64_t seen, failed;

	umm_fail_stats(check_model(L, "fail_stats"), &seen, &failed);
	lua_pushinteger(L, (lua_Integer)seen);
	lua_pushinteger(L, (lua_Integer)failed);
	return 2;
}

/* ---- memory that is taken back --------------------------------------------------------- */

/* kswapd([node [, force]]) → pages freed */
static int call_kswapd(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "kswapd");
	lua_Integer node = luaL_optinteger(L, 1, 0);
	int64_t ret;

	luaL_argcheck(L, node >= 0 && node < umm_machine_config(machine)->nodes, 1, "no such node");
	ret = umm_kswapd(machine, (unsigned)node, lua_toboolean(L, 2));
	lua_pushinteger(L, ret);
	return 1;
}

static int push_result(lua_State *L, const char *what, int64_t ret)
{
	if (ret < 0)
		return luaL_error(L, "%s: %s", what, scn_errno_name((int)-ret));
	lua_pushinteger(L, ret);
	return 1;
}

/* group(limit) → its number */
static int call_group(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "group");

	return push_result(L, "group",
			   umm_group_create(machine, (uint64_t)luaL_checkinteger(L, 1)));
}

static int call_group_limit(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "group_limit");

	return push_result(L, "group_limit",
			   umm_group_set_limit(machine, (int)luaL_checkinteger(L, 1),
					       (uint64_t)luaL_checkinteger(L, 2)));
}

static int call_group_usage(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "group_usage");

	return push_result(L, "group_usage",
			   umm_group_usage(machine, (int)luaL_checkinteger(L, 1)));
}

/* group_reclaim(group, bytes) → bytes taken back */
static int call_group_reclaim(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "group_reclaim");

	return push_result(L, "group_reclaim",
			   umm_group_reclaim(machine, (int)luaL_checkinteger(L, 1),
					     (uint64_t)luaL_checkinteger(L, 2)));
}

/* p:join_group(group): what it allocates from now on counts there */
static int call_join_group(lua_State *L)
{
	struct scn_task *task = api_check_task(L, 1);

	check_model(L, "join_group");
	return push_result(L, "join_group",
			   umm_group_join(script_of(L)->session->ops->model_task(task),
					  (int)luaL_checkinteger(L, 2)));
}

/* The text of /proc/swaps. */
static int call_swaps(lua_State *L)
{
	struct umm_machine *machine = check_model(L, "swaps");
	char text[4096];

	umm_proc_swaps(machine, text, sizeof(text));
	lua_pushstring(L, text);
	return 1;
}

static int call_is_model(lua_State *L)
{
	lua_pushboolean(L, script_of(L)->session->ops->machine != NULL);
	return 1;
}

void api_open_model(lua_State *L)
{
	static const luaL_Reg globals[] = {
		{ "machine", call_machine },
		{ "verify", call_verify },
		{ "counters", call_counters },
		{ "fail", call_fail },
		{ "fail_stats", call_fail_stats },
		{ "is_model", call_is_model },
		{ "kswapd", call_kswapd },
		{ "group", call_group },
		{ "group_limit", call_group_limit },
		{ "group_usage", call_group_usage },
		{ "group_reclaim", call_group_reclaim },
		{ "swaps", call_swaps },
		{ NULL, NULL },
	};

	lua_getglobal(L, "_core");
	lua_getfield(L, -1, "globals");
	luaL_setfuncs(L, globals, 0);
	lua_pop(L, 1);
	lua_getfield(L, -1, "Process");
	lua_pushcfunction(L, call_model_page);
	lua_setfield(L, -2, "model_page");
	lua_pushcfunction(L, call_join_group);
	lua_setfield(L, -2, "join_group");
	lua_pop(L, 2);
}
