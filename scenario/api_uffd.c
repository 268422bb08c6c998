/* SPDX-License-Identifier: MIT */
/*
 * The methods of a scenario's process on a userfaultfd. The structures of the ioctls go through as
 * bytes; the prelude packs and unpacks them.
 */
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <time.h>

#include "scenario/script_internal.h"
#include "scenario/words.h"

#define MAX_STRUCTURE 64
#define MESSAGE_BYTES 32
#define MAX_READ_BYTES 16384
/* So long nothing happens only when nothing will. */
#define PATIENCE_S 10

/* PAGEFAULT_FLAG_WP, WP_HUGETLBFS_SHMEM, WP_UNPOPULATED, WP_ASYNC */
#define FEATURES_OF_WP (1u << 0 | 1u << 12 | 1u << 13 | 1u << 15)

/* On a model that lacks what the scenario is about, it ends as skipped. */
static void need(lua_State *L, uint64_t features, const char *what)
{
	struct scn_session *session = script_of(L)->session;

	if (!session->ops->machine || (umm_userfaultfd_features() & features))
		return;
	session->line = script_line(L);
	snprintf(session->reason, sizeof(session->reason), "this build has no %s", what);
	script_end(L, SCN_SKIPPED);
}

/* Whether it asks for write-protection. */
static bool asks_for_wp(const struct scn_step *step)
{
	uint64_t words[3] = { 0 };

	memcpy(words, step->in, step->in_bytes < sizeof(words) ? step->in_bytes : sizeof(words));
	if (step->args[1] == UFFDIO_API)
		return words[1] & FEATURES_OF_WP;
	return step->args[1] == UFFDIO_REGISTER && (words[2] & UFFDIO_REGISTER_MODE_WP);
}

/* userfaultfd(flags) → fd */
static int call_userfaultfd(lua_State *L)
{
	struct scn_step step = { .kind = SCN_USERFAULTFD, .task = api_check_task(L, 1) };

	step.args[0] = api_opt_words(L, 2, WORDS_UFFD, 0);
	need(L, UINT64_MAX, "userfaultfd");
	api_run(L, &step);
	lua_pushinteger(L, step.result);
	return 1;
}

/* ioctl(fd, command, bytes) → bytes; a failure has them too, in its field of that name */
static int call_ioctl(lua_State *L)
{
	struct scn_step step = { .kind = SCN_IOCTL, .task = api_check_task(L, 1) };
	size_t len;

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	step.args[1] = (uint64_t)luaL_checkinteger(L, 3);
	step.in = luaL_checklstring(L, 4, &len);
	luaL_argcheck(L, len <= MAX_STRUCTURE, 4, "at most 64 bytes");
	step.in_bytes = step.out_bytes = len;
	if (asks_for_wp(&step))
		need(L, FEATURES_OF_WP, "write-protection by userfaultfd");
	step.out = lua_newuserdatauv(L, len + 1, 0);
	api_run(L, &step);
	lua_pushlstring(L, step.out, step.done);
	return 1;
}

/* read_fd(fd, len) → the bytes; without len, those of a message */
static int call_read_fd(lua_State *L)
{
	struct scn_step step = { .kind = SCN_READ_FD, .task = api_check_task(L, 1) };
	lua_Integer len = luaL_optinteger(L, 3, MESSAGE_BYTES);

	luaL_argcheck(L, len >= 0 && len <= MAX_READ_BYTES, 3, "at most 16384 bytes");
	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	step.out_bytes = (uint64_t)len;
	step.out = lua_newuserdatauv(L, (size_t)len + 1, 0);
	api_run(L, &step);
	lua_pushlstring(L, step.out, step.done);
	return 1;
}

/* poll(fd) → "in", "err", "hup", ... joined by "|" */
static int call_poll(lua_State *L)
{
	static const struct {
		int bit;
		const char *name;
	} bits[] = { { 1, "in" }, { 4, "out" }, { 8, "err" }, { 16, "hup" }, { 32, "nval" } };
	struct scn_step step = { .kind = SCN_POLL, .task = api_check_task(L, 1) };
	luaL_Buffer text;
	bool any = false;

	step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
	api_run(L, &step);
	luaL_buffinit(L, &text);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(step.result & bits[i].bit))
			continue;
		luaL_addstring(&text, any ? "|" : "");
		luaL_addstring(&text, bits[i].name);
		any = true;
	}
	luaL_pushresult(&text);
	return 1;
}

/*
 * Whether another function of the scenario can go on, and so may cause a message. On linux one
 * that waits in the kernel cannot be told from one that works.
 */
static bool others_go_on(const struct script *script)
{
	int self = umm_sim_self();

	if (self != 0 && !umm_sim_blocked(0))
		return true;
	for (unsigned i = 0; i < script->nr_fibers; i++) {
		const struct script_fiber *fiber = &script->fibers[i];

		if (!fiber->ended && fiber->id != self && !umm_sim_blocked(fiber->id))
			return true;
	}
	return false;
}

static int no_message(lua_State *L, const struct scn_step *step)
{
	lua_pushfstring(L, "%s:%d: %s: uffd_wait(%d): no message comes", script_of(L)->file->path,
			(int)script_line(L), step->task->label, (int)step->args[0]);
	api_push_failure(L, "wait");
	return lua_error(L);
}

/* uffd_wait(fd): until there is a message, which is left there */
static int call_uffd_wait(lua_State *L)
{
	struct script *script = script_of(L);
	time_t since = time(NULL);
	struct scn_step step;

	for (;;) {
		/* Asked before looking: who stops in between has left a message. */
		bool hope = script->run_bodies || others_go_on(script);

		step = (struct scn_step){ .kind = SCN_POLL,
					  .task = api_check_task(L, 1),
					  .quiet = true };
		step.args[0] = (uint64_t)luaL_checkinteger(L, 2);
		api_run(L, &step);
		if (step.result & 1)
			return 0;
		if (!hope || (!script->run_bodies && time(NULL) - since > PATIENCE_S))
			return no_message(L, &step);
		umm_sim_yield();
	}
}

void api_open_uffd(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "userfaultfd", call_userfaultfd }, { "ioctl", call_ioctl },
		{ "read_fd", call_read_fd },         { "poll", call_poll },
		{ "uffd_wait", call_uffd_wait },     { NULL, NULL },
	};

	lua_getglobal(L, "_core");
	lua_getfield(L, -1, "Process");
	luaL_setfuncs(L, methods, 0);
	lua_pop(L, 2);
}
