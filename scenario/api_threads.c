/* SPDX-License-Identifier: MIT */
/*
 * Threads of a scenario: each runs its Lua function on a fiber of the simulator, in a Lua
 * thread of its own, and its steps as a task of its process.
 *
 * On the model a fiber may lose its turn at any synchronisation point inside a call; on linux
 * it gives its turn away while its puppet's thread works. Either way the others run meanwhile.
 */
#include <errno.h>
#include <stdio.h>

#include "scenario/script_internal.h"
#include "scenario/words.h"

#define THREAD "usermm.thread"

static void fiber_main(void *arg)
{
	struct script_fiber *fiber = arg;
	struct script *script = fiber->script;
	struct scn_step step = { .kind = SCN_EXIT, .task = fiber->task, .line = fiber->line };
	int ret;

	/* It may run before its maker has been told. */
	fiber->id = umm_sim_self();
	lua_pushcfunction(fiber->L, script_place_error);
	lua_insert(fiber->L, 1);
	if (lua_pcall(fiber->L, lua_gettop(fiber->L) - 2, 0, 1) && !script->ending)
		fiber->failed = script_take_error(fiber->L, fiber->error, sizeof(fiber->error));
	ret = scn_session_run(script->session, &step);
	if (ret && !script->ending)
		script->ending = ret;
	fiber->ended = true;
}

static int call_thread(lua_State *L)
{
	struct script *script = script_of(L);
	struct scn_step step = { .kind = SCN_THREAD, .task = api_check_task(L, 1) };
	struct script_fiber *fiber, **box;
	int nr = lua_gettop(L) - 1, id;

	luaL_checktype(L, 2, LUA_TFUNCTION);
	if (script->run_bodies)
		return luaL_error(L,
				  "usermm explore runs the functions of concurrent(), not threads");
	if (script->nr_fibers == SCRIPT_MAX_FIBERS)
		return luaL_error(L, "at most %d threads in a scenario", SCRIPT_MAX_FIBERS);
	box = lua_newuserdatauv(L, sizeof(*box), 1);
	luaL_setmetatable(L, THREAD);
	lua_insert(L, 2);
	/* Taken before anyone else can run; ended until it has begun. */
	fiber = *box = &script->fibers[script->nr_fibers++];
	*fiber = (struct script_fiber){ .id = -1, .script = script, .ended = true };
	fiber->L = lua_newthread(L);
	/* Anchored by the registry: it runs even when nobody keeps the handle. */
	fiber->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	api_run(L, &step);
	fiber->task = step.made;
	fiber->line = step.line;
	script->session->nr_unjoined++;
	lua_xmove(L, fiber->L, nr);
	if (script->session->ops->set_wait)
		script->session->ops->set_wait(script->session->backend, umm_sim_wait_outside);
	fiber->ended = false;
	id = umm_sim_spawn(fiber->task->label, fiber_main, fiber);
	if (id < 0) {
		fiber->ended = true;
		return luaL_error(L, "no fiber for a thread: %s", scn_errno_name(-id));
	}
	fiber->id = id;
	return 1;
}

void script_raise_of(lua_State *L, const struct script_fiber *fiber)
{
	if (!fiber->error[0])
		return;
	if (!fiber->failed)
		luaL_error(L, "%s", fiber->error);
	lua_pushstring(L, fiber->error);
	api_push_failure(L, "thread");
	lua_error(L);
}

static int thread_join(lua_State *L)
{
	struct script_fiber *fiber = *(struct script_fiber **)luaL_checkudata(L, 1, THREAD);
	struct script *script = script_of(L);

	if (fiber->joined)
		return luaL_error(L, "thread %s was joined before", fiber->task->label);
	if (fiber == script_current_fiber(script))
		return luaL_error(L, "a thread cannot join itself");
	fiber->joined = true;
	if (!fiber->ended)
		umm_sim_join(fiber->id);
	script->session->nr_unjoined--;
	if (script->ending)
		script_end(L, script->ending);
	script_raise_of(L, fiber);
	return 0;
}

static int thread_done(lua_State *L)
{
	struct script_fiber *fiber = *(struct script_fiber **)luaL_checkudata(L, 1, THREAD);

	lua_pushboolean(L, fiber->ended);
	return 1;
}

static int thread_signal(lua_State *L)
{
	struct script_fiber *fiber = *(struct script_fiber **)luaL_checkudata(L, 1, THREAD);

	return api_send(L, SCN_SIGNAL, fiber->task);
}

static int call_yield(lua_State *L)
{
	(void)L;
	umm_sim_yield();
	return 0;
}

void script_join_all(struct script *script)
{
	for (unsigned i = 0; i < script->nr_fibers; i++) {
		if (!script->fibers[i].ended)
			umm_sim_join(script->fibers[i].id);
	}
}

/* On the stack: the table _core. */
void api_open_threads(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "join", thread_join },
		{ "done", thread_done },
		{ "signal", thread_signal },
		{ NULL, NULL },
	};

	lua_getglobal(L, "_core");
	lua_getfield(L, -1, "Process");
	lua_pushcfunction(L, call_thread);
	lua_setfield(L, -2, "thread");
	lua_pop(L, 1);
	lua_getfield(L, -1, "globals");
	lua_pushcfunction(L, call_yield);
	lua_setfield(L, -2, "yield");
	lua_pop(L, 2);
	luaL_newmetatable(L, THREAD);
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}
