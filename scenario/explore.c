/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "explore/restore.h"
#include "host/host.h"
#include "machine/machine.h"
#include "mmu/tlb.h"
#include "phys/alloc.h"
#include "scenario/ending.h"
#include "scenario/explore_internal.h"
#include "scenario/memory.h"
#include "scenario/script_internal.h"
#include "sync/sim/sched.h"
#include "vma/task.h"

#define REGION_BYTES (256u << 20)
#define STACK_BYTES (1u << 20)
#define MAX_RAM_BYTES (64ull << 20)

/* What the scenario's fiber was left for. */
enum left { LEFT_NOT, LEFT_CONCURRENT, LEFT_END, LEFT_BUG };

struct scn_explore {
	struct explore_program program;
	/* In the region: put back with it. */
	struct script *script;
	struct scn_session *session;
	struct fiber *fiber; /* the scenario's own, outside its concurrent functions */
	/* Outside. */
	struct fiber host;
	void *stack;
	struct machine *machine;
	u64 heap_committed;
	enum left left;
	bool tell_steps;
	struct scn_outcome *outcome;
	struct scn_outcome last;
	char bug[1024];
};

/* Bugs of the core come without an argument. */
static struct scn_explore *the;

void scn_explore_config(struct umm_config *config)
{
	umm_config_init(config);
	config->cpus = 8;
	config->ram_bytes = 128 * UMM_PAGE_SIZE;
	config->tlb_entries = 16;
	config->trace_events = 0;
	config->poison = true;
}

/* ---- the scenario's fiber ------------------------------------------------------------- */

static void leave(enum left left)
{
	the->left = left;
	fiber_switch(the->fiber, &the->host);
}

static void on_bug(const char *text)
{
	snprintf(the->bug, sizeof(the->bug), "%s", text);
	leave(LEFT_BUG);
}

/* From outside, until it leaves again. */
static enum left go_on(struct scn_explore *explore)
{
	umm_bug_handler *before = umm_bug_set_handler(on_bug);

	explore->left = LEFT_NOT;
	fiber_switch(&explore->host, explore->fiber);
	umm_bug_set_handler(before);
	sim.outside.lockdep.depth = 0;
	sim.outside.lockdep.spins = 0;
	sim.outside.self.task = NULL;
	return explore->left;
}

static void run_bodies(struct script *script)
{
	if (script->explored) {
		snprintf(script->session->reason, sizeof(script->session->reason),
			 "usermm explore takes one concurrent() in a scenario");
		script->ending = SCRIPT_RUNAWAY;
		return;
	}
	script->explored = true;
	lua_gc(script->L, LUA_GCCOLLECT);
	/* Its marks would be writes all over the heap. */
	lua_gc(script->L, LUA_GCSTOP);
	scn_region_seal();
	leave(LEFT_CONCURRENT);
}

static void fail(struct scn_outcome *outcome, const char *what, const char *text)
{
	outcome->verdict = SCN_FAILED;
	snprintf(outcome->message, sizeof(outcome->message), "%s%s", what, text);
}

static void recount(struct scn_explore *explore, const char *when)
{
	char report[1536];

	if (umm_verify((struct umm_machine *)explore->machine, report, sizeof(report)))
		fail(&explore->last, when, report);
}

static void check_free_frame(void *arg, void *page)
{
	struct machine *m = arg;
	u64 offset = (u64)((u8 *)page - (u8 *)m) - RAM_OFFSET;

	phys_check_free_frame(m, (pfn_t){ offset >> PAGE_SHIFT });
}

/* After the scenario's own checks: those that no scenario has to ask for. */
static void last_checks(struct scn_explore *explore)
{
	struct scn_session *session = explore->session;

	script_judge(explore->script);
	if (explore->last.verdict != SCN_PASSED || !explore->machine)
		return;
	if (session->nr_live > explore->machine->config.cpus) {
		explore->last.verdict = SCN_BAD_INPUT;
		snprintf(explore->last.message, sizeof(explore->last.message),
			 "%u tasks need as many CPUs: machine{cpus = ...}", session->nr_live);
		return;
	}
	session->verify = false;
	restore_each((u8 *)explore->machine + RAM_OFFSET, explore->machine->nr_pages << PAGE_SHIFT,
		     check_free_frame, explore->machine);
	recount(explore, "the machine contradicts itself: ");
	if (explore->last.verdict != SCN_PASSED)
		return;
	scn_end_tasks(session);
	if (scn_find_leaks(explore->machine, explore->last.message, sizeof(explore->last.message)))
		explore->last.verdict = SCN_FAILED;
	else
		recount(explore, "after every process has ended, the machine contradicts itself: ");
}

static void fiber_main(void *arg)
{
	struct scn_explore *explore = arg;

	fiber_entered(explore->fiber);
	script_main(explore->script);
	last_checks(explore);
	leave(LEFT_END);
	VM_UNREACHABLE();
}

/* ---- the program ---------------------------------------------------------------------- */

static void reset(void *arg)
{
	struct scn_explore *explore = arg;

	if (explore->machine->heap_committed != explore->heap_committed)
		umm_bug_text("the machine's heap has outgrown what is put back\n");
	restore_back();
	if (explore->tell_steps)
		explore->session->watcher.step = explore_tell_step;
	/* Each execution starts from the same memory and does its steps once. */
	sim_watch_steps = true;
}

static void thread(void *arg, unsigned self)
{
	struct scn_explore *explore = arg;
	struct script_fiber *fiber = explore->script->bodies[self];

	script_run_body(fiber);
	if (fiber->error[0])
		explore_fail(fiber->error);
	else if (explore->script->ending)
		explore_fail(explore->session->reason);
}

static void check(void *arg)
{
	struct scn_explore *explore = arg;
	enum left left;

	explore->last = (struct scn_outcome){ .verdict = SCN_PASSED };
	/* Alone again: nothing is announced, and what would block is a bug. */
	sim_shared = false;
	sim.active = false;
	left = go_on(explore);
	sim.active = true;
	if (left == LEFT_BUG)
		explore_fail(explore->bug);
	else if (explore->last.verdict != SCN_PASSED)
		explore_fail(explore->last.message);
}

/* ---- opening -------------------------------------------------------------------------- */

static bool refuse(struct scn_explore *explore, enum scn_verdict verdict, const char *text)
{
	explore->outcome->verdict = verdict;
	snprintf(explore->outcome->message, sizeof(explore->outcome->message), "%s", text);
	return false;
}

/* Each concurrent function on a CPU of its own, as if it had been running. */
static bool place_tasks(struct scn_explore *explore)
{
	struct scn_session *session = explore->session;

	if (session->nr_live > explore->machine->config.cpus)
		return refuse(explore, SCN_BAD_INPUT,
			      "more tasks than CPUs: machine{cpus = ...} sets them");
	for (unsigned i = 0; i < explore->script->nr_bodies; i++) {
		struct scn_task *task = explore->script->bodies[i]->task;

		task_switch_to((struct task *)session->ops->model_task(task));
	}
	return true;
}

static bool set_up(struct scn_explore *explore)
{
	enum left left = go_on(explore);

	if (left == LEFT_BUG)
		return refuse(explore, SCN_FAILED, explore->bug);
	if (left == LEFT_END && explore->last.verdict != SCN_PASSED) {
		*explore->outcome = explore->last;
		return false;
	}
	if (left == LEFT_END)
		return refuse(explore, SCN_BAD_INPUT,
			      "nothing to explore: the scenario calls no concurrent()");
	explore->machine =
		(struct machine *)explore->session->ops->machine(explore->session->backend);
	if (explore->machine->nr_pages > MAX_RAM_BYTES / UMM_PAGE_SIZE)
		return refuse(explore, SCN_BAD_INPUT,
			      "more RAM than 64M takes too long to explore");
	explore->heap_committed = explore->machine->heap_committed;
	return place_tasks(explore);
}

/* The moment that every execution starts from. */
static bool take(struct scn_explore *explore, void *region)
{
	u8 *m = (u8 *)explore->machine;
	u64 pages = explore->machine->nr_pages;
	int err = machine_commit_ram(explore->machine);

	/* From here on who asks the host for memory would undo the protection of these pages. */
	if (!err)
		err = restore_add(m, explore->heap_committed);
	if (!err)
		err = restore_add(m + VMEMMAP_OFFSET, PAGE_ALIGN(pages * STRUCT_PAGE_BYTES));
	if (!err)
		err = restore_add(m + RAM_OFFSET, pages << PAGE_SHIFT);
	if (!err)
		err = restore_add(region, REGION_BYTES);
	if (!err)
		err = restore_add(explore->stack, STACK_BYTES);
	if (!err)
		err = restore_take();
	return !err || refuse(explore, SCN_INTERNAL, "no memory to put back from");
}

static bool build(struct scn_explore *explore, const struct scn_file *file,
		  const struct umm_config *config)
{
	explore->session = scn_alloc(sizeof(*explore->session));
	explore->fiber = scn_alloc(sizeof(*explore->fiber));
	explore->stack = host_stack_alloc(STACK_BYTES);
	if (!explore->session || !explore->fiber || !explore->stack)
		return refuse(explore, SCN_INTERNAL, "out of memory");
	scn_session_init(explore->session, &scn_model, config);
	explore->session->put_back = true;
	explore->script = script_new(explore->session, file, &explore->last);
	if (!explore->script)
		return refuse(explore, SCN_INTERNAL, "out of memory");
	explore->script->run_bodies = run_bodies;
	fiber_init_host(&explore->host);
	fiber_init(explore->fiber, explore->stack, STACK_BYTES, fiber_main, explore);
	return true;
}

struct scn_explore *scn_explore_open(const struct scn_file *file, const struct umm_config *config,
				     struct scn_outcome *outcome)
{
	struct scn_explore *explore = calloc(1, sizeof(*explore));
	void *region;

	memset(outcome, 0, sizeof(*outcome));
	VM_BUG_ON(the);
	if (!explore || !scn_region_begin(REGION_BYTES, &region)) {
		free(explore);
		outcome->verdict = SCN_INTERNAL;
		snprintf(outcome->message, sizeof(outcome->message), "out of memory");
		return NULL;
	}
	the = explore;
	explore->outcome = outcome;
	if (!build(explore, file, config) || !set_up(explore) || !take(explore, region)) {
		scn_explore_close(explore);
		return NULL;
	}
	explore->program = (struct explore_program){
		.name = file->path,
		.threads = explore->script->nr_bodies,
		.arg = explore,
		.reset = reset,
		.thread = thread,
		.check = check,
		.frames = (u8 *)explore->machine + RAM_OFFSET,
		.frame_structs = (u8 *)explore->machine + VMEMMAP_OFFSET,
		.frame_struct_bytes = STRUCT_PAGE_BYTES,
		.frame_shift = PTE_PFN_SHIFT,
	};
	return explore;
}

const struct explore_program *scn_explore_program(struct scn_explore *explore)
{
	return &explore->program;
}

void explore_tell_steps(struct scn_explore *explore, bool tell)
{
	explore->tell_steps = tell;
}

const char *scn_explore_thread(struct scn_explore *explore, unsigned nr)
{
	return explore->script->bodies[nr]->task->label;
}

uint64_t scn_explore_pages(void)
{
	return restore_pages();
}

void scn_explore_close(struct scn_explore *explore)
{
	const struct scn_session *session = explore->session;

	sim_watch_steps = false;
	restore_end();
	if (session && session->backend && session->ops->machine(session->backend))
		umm_machine_destroy(session->ops->machine(session->backend));
	host_stack_free(explore->stack, STACK_BYTES);
	scn_region_end();
	free(explore);
	the = NULL;
}
