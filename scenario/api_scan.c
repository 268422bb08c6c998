/* SPDX-License-Identifier: MIT */
/* The method of a scenario's process that scans its pagemap. */
#include <stddef.h>
#include <string.h>

#include "scenario/scan.h"
#include "scenario/script_internal.h"
#include "scenario/words.h"

#define MAX_REGIONS 65536

static const struct field {
	const char *name;
	size_t offset;
	enum scn_vocabulary words; /* WORDS_NR: a number */
} fields[] = {
	{ "flags", offsetof(struct scn_scan, flags), WORDS_SCAN },
	{ "size", offsetof(struct scn_scan, size), WORDS_NR },
	{ "start", offsetof(struct scn_scan, start), WORDS_NR },
	{ "len", offsetof(struct scn_scan, end), WORDS_NR },
	{ "vec_len", offsetof(struct scn_scan, vec_len), WORDS_NR },
	{ "max_pages", offsetof(struct scn_scan, max_pages), WORDS_NR },
	{ "category_inverted", offsetof(struct scn_scan, category_inverted), WORDS_CATEGORIES },
	{ "category_mask", offsetof(struct scn_scan, category_mask), WORDS_CATEGORIES },
	{ "category_anyof_mask", offsetof(struct scn_scan, category_anyof_mask), WORDS_CATEGORIES },
	{ "return_mask", offsetof(struct scn_scan, return_mask), WORDS_CATEGORIES },
};

static void check_field(lua_State *L, struct scn_scan *scan, const char *name, int value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t *field = (uint64_t *)(void *)((char *)scan + fields[i].offset);

		if (strcmp(name, fields[i].name))
			continue;
		*field = fields[i].words == WORDS_NR ? (uint64_t)luaL_checkinteger(L, value) :
						       api_check_words(L, value, fields[i].words);
		return;
	}
	if (strcmp(name, "vec"))
		luaL_error(L, "pagemap_scan has no '%s'; usermm-scenario(7) lists what it has",
			   name);
	luaL_checktype(L, value, LUA_TBOOLEAN);
	scan->vec = (uint64_t)lua_toboolean(L, value);
}

/* The named arguments at index 2. */
static void check_scan(lua_State *L, struct scn_scan *scan)
{
	bool sized;

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	sized = lua_getfield(L, 2, "vec_len") != LUA_TNIL;
	if (lua_getfield(L, 2, "start") == LUA_TNIL || lua_getfield(L, 2, "len") == LUA_TNIL)
		luaL_error(L, "pagemap_scan needs a start and a len");
	for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "pagemap_scan takes a table of named arguments");
		check_field(L, scan, lua_tostring(L, -2), lua_gettop(L));
	}
	scan->end += scan->start;
	if (!sized)
		scan->vec_len = scan->vec ? SCN_SCAN_REGIONS : 0;
	lua_settop(L, 2);
}

/* No more regions than pages, however many there is said to be room for. */
static uint64_t room_for(const struct scn_scan *scan)
{
	uint64_t pages = (scan->end - scan->start) / UMM_PAGE_SIZE + 1;

	return pages < scan->vec_len ? pages : scan->vec_len;
}

static void push_regions(lua_State *L, const struct scn_region *regions, uint64_t nr)
{
	char words[256];

	lua_createtable(L, (int)nr, 0);
	for (uint64_t i = 0; i < nr; i++) {
		lua_createtable(L, 0, 3);
		lua_pushinteger(L, (lua_Integer)regions[i].start);
		lua_setfield(L, -2, "start");
		lua_pushinteger(L, (lua_Integer)regions[i].end);
		lua_setfield(L, -2, "stop");
		lua_pushstring(L, regions[i].categories ?
					  scn_words_format(WORDS_CATEGORIES, regions[i].categories,
							   words, sizeof(words)) :
					  "");
		lua_setfield(L, -2, "categories");
		lua_seti(L, -2, (lua_Integer)i + 1);
	}
}

/* pagemap_scan{ ... } → the regions, where the walk ended, how many regions */
static int call_pagemap_scan(lua_State *L)
{
	struct scn_step step = { .kind = SCN_PAGEMAP_SCAN, .task = api_check_task(L, 1) };
	struct scn_scan scan = { .size = sizeof(scan), .vec = 1, .return_mask = SCN_SCAN_ALL };
	uint64_t room;

	check_scan(L, &scan);
	room = room_for(&scan);
	luaL_argcheck(L, room <= MAX_REGIONS, 2, "at most 64K regions");
	step.args[0] = scan.start;
	step.args[1] = scan.end - scan.start;
	step.in = &scan;
	step.in_bytes = sizeof(scan);
	step.out_bytes = room * sizeof(struct scn_region);
	step.out = lua_newuserdatauv(L, step.out_bytes + 1, 0);
	api_run(L, &step);
	push_regions(L, step.out, step.done / sizeof(struct scn_region));
	lua_pushinteger(L, (lua_Integer)step.value);
	lua_pushinteger(L, step.result);
	return 3;
}

void api_open_scan(lua_State *L)
{
	lua_getglobal(L, "_core");
	lua_getfield(L, -1, "Process");
	lua_pushcfunction(L, call_pagemap_scan);
	lua_setfield(L, -2, "pagemap_scan");
	lua_pop(L, 2);
}
