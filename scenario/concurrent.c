/* SPDX-License-Identifier: MIT */
/*
 * concurrent([process...,] function, [process...,] function, ...): the functions run at the same
 * time, each as a thread of the process before it. The first of a process acts as its main
 * thread, and its process may end in it; each further one gets a thread of its own that ends
 * when all have. A process that stands before a function but not first is one it may use too.
 *
 * What the functions tell each other goes through simulated memory. Values of Lua that one
 * changes and another reads are no part of what is explored.
 */
#include <stdio.h>

#include "scenario/script_internal.h"
#include "scenario/words.h"

void script_run_body(struct script_fiber *fiber)
{
	struct script *script = fiber->script;

	fiber->id = umm_sim_self();
	if (lua_pcall(fiber->L, 0, 0, 1) && !script->ending)
		fiber->failed = script_take_error(fiber->L, fiber->error, sizeof(fiber->error));
	fiber->ended = true;
}

static void fiber_main(void *arg)
{
	script_run_body(arg);
}

/* ---- who acts as whom ----------------------------------------------------------------- */

/* The process that is meant when none is named. */
static struct scn_task *only_process(lua_State *L)
{
	struct scn_task *found = NULL;

	for (struct scn_task *task = script_of(L)->session->tasks; task; task = task->next) {
		if (task->dead || task->thread_nr)
			continue;
		if (found)
			luaL_error(L, "there are several processes: concurrent() takes the one of "
				      "each function before it");
		found = task;
	}
	if (!found)
		luaL_error(L, "concurrent() needs a process");
	return found;
}

static struct scn_task *thread_of(lua_State *L, struct scn_task *process)
{
	struct scn_step step = { .kind = SCN_THREAD, .task = process };

	api_run(L, &step);
	return step.made;
}

/* The function at index as the next body, the processes from `first` up to it as its own. */
static void add_body(lua_State *L, int first, int index)
{
	struct script *script = script_of(L);
	struct script_fiber *fiber;
	struct scn_task *task;

	if (script->nr_bodies == SCRIPT_MAX_BODIES)
		luaL_error(L, "concurrent() takes at most %d functions", SCRIPT_MAX_BODIES);
	if (script->nr_fibers == SCRIPT_MAX_FIBERS)
		luaL_error(L, "at most %d threads in a scenario", SCRIPT_MAX_FIBERS);
	fiber = &script->fibers[script->nr_fibers++];
	*fiber = (struct script_fiber){ .id = -1, .script = script, .ended = true, .joined = true };
	fiber->body = script->nr_bodies + 1;
	task = first < index ? api_check_task(L, first) : only_process(L);
	if (task->body)
		task = thread_of(L, task);
	task->body = fiber->body;
	fiber->task = task;
	for (int i = first + 1; i < index; i++) {
		task = api_check_task(L, i);
		if (task->body)
			luaL_error(L, "%s is taken by another function", task->label);
		task->body = fiber->body;
	}
	fiber->L = lua_newthread(L);
	fiber->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	fiber->line = script_line(L);
	lua_pushcfunction(fiber->L, script_place_error);
	lua_pushvalue(L, index);
	lua_xmove(L, fiber->L, 1);
	script->bodies[script->nr_bodies++] = fiber;
}

/* ---- running -------------------------------------------------------------------------- */

static void run_scheduled(lua_State *L)
{
	struct script *script = script_of(L);

	if (script->session->ops->set_wait)
		script->session->ops->set_wait(script->session->backend, umm_sim_wait_outside);
	for (unsigned i = 0; i < script->nr_bodies; i++) {
		struct script_fiber *fiber = script->bodies[i];

		fiber->id = umm_sim_spawn(fiber->task->label, fiber_main, fiber);
		if (fiber->id < 0)
			luaL_error(L, "no fiber: %s", scn_errno_name(-fiber->id));
	}
	for (unsigned i = 0; i < script->nr_bodies; i++)
		umm_sim_join(script->bodies[i]->id);
}

/* Every process may be used by anyone again. Also what a call that was refused has left. */
static void forget_bodies(struct script *script)
{
	for (struct scn_task *task = script->session->tasks; task; task = task->next)
		task->body = 0;
	script->nr_bodies = 0;
}

/* The threads that were made for it end, and those whose process was killed. */
static void end_bodies(lua_State *L)
{
	struct script *script = script_of(L);

	for (unsigned i = 0; i < script->nr_bodies; i++) {
		struct scn_task *task = script->bodies[i]->task;
		struct scn_step step = { .kind = SCN_EXIT, .task = task };

		if ((task->thread_nr || task->killed) && !task->dead)
			api_run(L, &step);
	}
}

static int call_concurrent(lua_State *L)
{
	struct script *script = script_of(L);
	int top = lua_gettop(L), first = 1;

	if (script->session->concurrent)
		return luaL_error(L, "concurrent() inside concurrent()");
	forget_bodies(script);
	for (int i = 1; i <= top; i++) {
		if (lua_type(L, i) != LUA_TFUNCTION) {
			(void)api_check_task(L, i);
			continue;
		}
		add_body(L, first, i);
		first = i + 1;
	}
	if (!script->nr_bodies || first <= top)
		return luaL_error(L,
				  "concurrent() takes processes and functions, at last a function");
	script->session->concurrent = true;
	if (script->run_bodies)
		script->run_bodies(script);
	else
		run_scheduled(L);
	script->session->concurrent = false;
	if (script->ending)
		return script_end(L, script->ending);
	end_bodies(L);
	for (unsigned i = 0; i < script->nr_bodies; i++)
		script_raise_of(L, script->bodies[i]);
	forget_bodies(script);
	return 0;
}

/* On the stack: nothing. */
void api_open_concurrent(lua_State *L)
{
	lua_getglobal(L, "_core");
	lua_getfield(L, -1, "globals");
	lua_pushcfunction(L, call_concurrent);
	lua_setfield(L, -2, "concurrent");
	lua_pop(L, 2);
}
