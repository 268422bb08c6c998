/* SPDX-License-Identifier: MIT */
/*
 * The explorer's loop: run an execution, look at what raced in it, go back to the deepest place
 * where something is left to try, run again from the start along the same choices.
 *
 *   begin ─► steps until nobody can go on ─► races reversed ─► deepest frame with a branch ─► steps
 *                                                                   │ none                   ...
 *                                                                   └─► complete
 *
 * Going back is either rewinding (rewind.c: every event is undone, which is all that a program
 * needs that keeps what it has on its stacks) or starting again and repeating the choices of
 * the kept prefix. Clocks and races are computed once for each new event.
 */
#include "explore/engine.h"
#include "explore/weak.h"

#include "base/format.h"
#include "base/uapi.h"
#include "host/host.h"

struct engine engine;

/* ---- one execution ---------------------------------------------------------------------------- */

static u32 enabled_threads(void)
{
	u32 set = 0;

	for (unsigned t = 0; t < engine.threads; t++)
		if (!engine.fibers[t]->ended && sim_enabled(engine.fibers[t]))
			set |= (u32)BIT(t);
	return set;
}

static bool is_exhaustive(void)
{
	return engine.options->mode <= EXPLORE_OPTIMAL;
}

static void fill_done(struct event *event, const struct sim_fiber *fiber)
{
	event->value = event->size && event->size <= 8 && !(event->size & (event->size - 1)) ?
			       sim_peek(event->address, event->size) :
			       0;
	event->tried =
		event->done.use == USE_TRY || event->kind == SIM_RMW || event->kind == SIM_BIT_TRY;
	if (event->tried && !fiber->took_effect)
		event->done.use = USE_READ;
}

/* The event is over: its thread has announced the next, or has ended. */
static void finish_event(void)
{
	s32 e = engine.nr_events - 1;
	struct event *event = &engine.events[e];

	if (e < engine.kept)
		return;
	fill_done(event, engine.fibers[event->thread]);
	if (is_exhaustive() && engine.options->mode != EXPLORE_NAIVE) {
		order_event(e);
		engine.kept = e + 1;
	} else if (!is_exhaustive()) {
		random_event(e);
	}
}

static void start_event(unsigned thread)
{
	struct sim_fiber *fiber = engine.fibers[thread];
	s32 e = engine.nr_events++;
	struct event *event = &engine.events[e];

	engine.result->events++;
	engine.frames[e].chosen = (u8)thread;
	if (e < engine.kept)
		return;
	if (engine.rewinds)
		rewind_save(e, fiber);
	event->thread = (u8)thread;
	event->kind = fiber->op.kind;
	event->size = fiber->op.size;
	event->address = fiber->op.object;
	event->site = fiber->op.site;
	event->done = announced_footprint(&fiber->op);
}

/* The frame of a state that is seen for the first time. */
static void open_frame(s32 depth)
{
	struct frame *frame = &engine.frames[depth];
	const struct frame *above = &engine.frames[depth - 1];
	struct footprint *print;

	frame->enabled = enabled_threads();
	frame->sleep = 0;
	frame->backtrack = 0;
	frame->done = 0;
	frame->preemptions = 0;
	if (depth == 0)
		return;
	frame->preemptions = above->preemptions;
	if (engine.options->mode == EXPLORE_NAIVE)
		return;
	print = &engine.events[depth - 1].done;
	for (u32 set = above->sleep; set; set &= set - 1) {
		unsigned t = lowest(set);

		if (t == above->chosen || footprints_depend(print, &above->sleep_op[t]))
			continue;
		frame->sleep |= (u32)BIT(t);
		frame->sleep_op[t] = above->sleep_op[t];
	}
}

/* Going on with the same thread saves a switch. */
static unsigned prefer(u32 set, s32 depth)
{
	unsigned last = depth ? engine.frames[depth - 1].chosen : 0;

	return set & BIT(last) ? last : lowest(set);
}

/* The thread to go on with in a new state; -1: none that is worth it. */
static int choose_new(struct frame *frame, s32 depth)
{
	u32 awake = frame->enabled & ~frame->sleep;

	while (frame->tree) {
		struct wakeup *node = frame->tree;
		unsigned thread = node->thread;

		frame->tree = node->next;
		engine.frames[depth + 1].tree = node->child;
		node->child = NULL;
		node->next = NULL;
		wakeup_free(node);
		if (frame->enabled & BIT(thread))
			return (int)thread;
		/* What it waits for has not happened on this branch: nothing to see here. */
		wakeup_free(engine.frames[depth + 1].tree);
		engine.frames[depth + 1].tree = NULL;
	}
	if (!awake)
		return -1;
	return (int)prefer(awake, depth);
}

/* Who goes on in a state that this execution is the first to reach; -1: nobody, engine.end. */
static int go_on_new(s32 depth)
{
	struct frame *frame = &engine.frames[depth];
	int thread;

	if (depth >= MAX_EVENTS) {
		engine.end = END_TOO_LONG;
		return -1;
	}
	open_frame(depth);
	if (!frame->enabled) {
		engine.end = END_COMPLETE;
		return -1;
	}
	if (!is_exhaustive())
		return (int)random_pick(frame->enabled);
	thread = choose_new(frame, depth);
	if (thread < 0)
		engine.end = END_BLOCKED;
	else
		frame->backtrack = engine.options->mode <= EXPLORE_SLEEP ?
					   frame->enabled :
					   (u32)BIT((unsigned)thread);
	return thread;
}

static int go_on(void)
{
	s32 depth = engine.nr_events;

	return depth < engine.prefix ? (int)engine.frames[depth].chosen : go_on_new(depth);
}

static void thread_main(void *arg)
{
	engine.program->thread(engine.program->arg, (unsigned)(uintptr_t)arg);
}

/* Everyone stands before his first operation. */
static void start_execution(void)
{
	engine.nr_events = 0;
	engine.program->reset(engine.program->arg);
	sim_restart(engine.fibers, engine.threads);
	for (unsigned t = 0; t < engine.threads; t++)
		sim_step(engine.fibers[t]);
}

static void run_execution(void)
{
	int thread;

	engine.end = END_NONE;
	while (engine.end == END_NONE && (thread = go_on()) >= 0) {
		start_event((unsigned)thread);
		sim_step(engine.fibers[thread]);
		finish_event();
	}
}

/* ---- failures --------------------------------------------------------------------------------- */

static void note_failure(enum explore_failure failure, const char *text)
{
	struct explore_result *result = engine.result;
	struct strbuf sb;

	result->failures++;
	if (result->first_failure)
		return;
	result->first_failure = result->executions + 1;
	result->failure = failure;
	strbuf_init(&sb, result->failure_text, sizeof(result->failure_text));
	strbuf_puts(&sb, text);
	result->schedule_len = (unsigned)engine.nr_events;
	for (s32 e = 0; e < engine.nr_events; e++)
		result->schedule[e] = engine.frames[e].chosen;
}

void explore_fail(const char *text)
{
	if (weak_fail(text))
		return;
	note_failure(EXPLORE_FAIL_CHECK, text);
	if (engine.end == END_NONE) {
		engine.end = END_FAILED;
		sim_abandon();
	}
}

static bool somebody_waits(void)
{
	for (unsigned t = 0; t < engine.threads; t++)
		if (!engine.fibers[t]->ended)
			return true;
	return false;
}

static void judge_execution(void)
{
	struct explore_result *result = engine.result;

	result->longest = MAX(result->longest, (u64)engine.nr_events);
	if (engine.end == END_BLOCKED) {
		result->blocked++;
		return;
	}
	if (engine.end == END_COMPLETE && somebody_waits()) {
		result->deadlocks++;
		if (!engine.options->deadlocks_allowed)
			note_failure(EXPLORE_FAIL_DEADLOCK, "deadlock");
	} else if (engine.end == END_COMPLETE && engine.program->check) {
		engine.program->check(engine.program->arg);
	}
	result->executions++;
}

/* ---- going back ------------------------------------------------------------------------------- */

/* The branch that was taken at a frame is done: its thread sleeps there from now on. */
static void close_branch(struct frame *frame, s32 depth)
{
	frame->done |= (u32)BIT(frame->chosen);
	if (engine.options->mode == EXPLORE_NAIVE)
		return;
	frame->sleep |= (u32)BIT(frame->chosen);
	frame->sleep_op[frame->chosen] = engine.events[depth].done;
}

/* The next branch of a frame, or -1. */
static int next_branch(struct frame *frame, s32 depth)
{
	u32 left;

	if (engine.options->mode == EXPLORE_OPTIMAL)
		return frame->tree ? choose_new(frame, depth) : -1;
	left = frame->backtrack & frame->enabled & ~frame->done;
	if (engine.options->mode != EXPLORE_NAIVE)
		left &= ~frame->sleep;
	return left ? (int)lowest(left) : -1;
}

/* False: everything has been tried. */
static bool go_back(void)
{
	wakeup_free(engine.frames[engine.nr_events].tree);
	engine.frames[engine.nr_events].tree = NULL;
	for (s32 depth = engine.nr_events - 1; depth >= 0; depth--) {
		struct frame *frame = &engine.frames[depth];
		int thread;

		close_branch(frame, depth);
		order_undo(depth);
		if (engine.rewinds)
			rewind_undo(depth);
		thread = next_branch(frame, depth);
		if (thread >= 0) {
			frame->chosen = (u8)thread;
			engine.prefix = depth + 1;
			return true;
		}
	}
	return false;
}

static bool more(void)
{
	if (!is_exhaustive())
		return random_more();
	if (engine.options->mode == EXPLORE_SOURCE || engine.options->mode == EXPLORE_OPTIMAL) {
		order_pending(engine.end != END_FAILED);
		reverse_races(engine.prefix ? engine.prefix - 1 : 0);
	}
	if (go_back())
		return true;
	engine.result->complete = true;
	return false;
}

/*
 * Of the tree as known now, the part that has been walked: each frame on the current path
 * divides what is left of its parent's share by its branches.
 */
static double explored_share(void)
{
	double share = 0, weight = 1;

	for (s32 d = 0; d < engine.nr_events; d++) {
		const struct frame *frame = &engine.frames[d];
		u32 left = frame->backtrack & ~frame->done & ~BIT(frame->chosen);
		unsigned tried =
			(unsigned)__builtin_popcount(frame->done & ~(u32)BIT(frame->chosen));
		unsigned branches = tried + 1 + (unsigned)__builtin_popcount(left);

		for (const struct wakeup *node = frame->tree; node; node = node->next)
			branches++;
		share += weight * tried / branches;
		weight /= branches;
	}
	return share + weight;
}

static bool within_limits(void)
{
	const struct explore_options *options = engine.options;
	struct explore_result *result = engine.result;
	u64 now;

	if (options->max_executions && result->executions >= options->max_executions)
		return false;
	if (result->failures && !options->keep_going)
		return false;
	if ((result->executions + result->blocked) % 1024)
		return true;
	now = host_monotonic_ns();
	result->ns = now - engine.start_ns;
	if (options->max_ns && result->ns >= options->max_ns)
		return false;
	if (options->progress && now >= engine.next_progress_ns) {
		engine.next_progress_ns = now + 100000000;
		if (is_exhaustive())
			result->estimate = (double)result->executions / explored_share();
		options->progress(options->progress_arg, result);
	}
	return true;
}

/* ---- from outside ------------------------------------------------------------------------------ */

static void bug_in_execution(const char *text)
{
	explore_fail(text);
}

static void begin(const struct explore_program *program, const struct explore_options *options,
		  struct explore_result *result)
{
	memset(result, 0, sizeof(*result));
	engine.program = program;
	engine.options = options;
	engine.result = result;
	engine.threads = program->threads;
	engine.prefix = 0;
	engine.start_ns = host_monotonic_ns();
	engine.next_progress_ns = engine.start_ns + 100000000;
	engine.frames[0].tree = NULL;
	order_reset();
	random_begin();
	engine.rewinds = program->stack_only && is_exhaustive() && rewind_possible();
	fiber_init_host(&sim.outside.fiber);
	sim_stepped = true;
	sim.active = true;
	sim.next_id = 0;
	for (unsigned t = 0; t < engine.threads; t++)
		engine.fibers[t] = sim_fiber_new(NULL, thread_main, (void *)(uintptr_t)t);
}

static void finish(void)
{
	for (s32 d = 0; d <= MAX_EVENTS; d++)
		engine.frames[d].tree = NULL;
	wakeup_pool_reset();
	sim.active = false;
	sim_discard_fibers();
	sim_stepped = false;
	engine.result->ns = host_monotonic_ns() - engine.start_ns;
	engine.result->bounded = engine.options->max_preemptions >= 0;
}

int explore(const struct explore_program *program, const struct explore_options *options,
	    struct explore_result *ret_result)
{
	umm_bug_handler *before;

	if (!program->threads || program->threads > MAX_THREADS)
		return -EINVAL;
	VM_BUG_ON(sim.active);
	begin(program, options, ret_result);
	before = umm_bug_set_handler(bug_in_execution);
	start_execution();
	for (;;) {
		run_execution();
		judge_execution();
		if (!within_limits() || !more())
			break;
		if (engine.rewinds)
			engine.nr_events = engine.prefix - 1;
		else
			start_execution();
	}
	umm_bug_set_handler(before);
	finish();
	return 0;
}

const char *explore_mode_name(enum explore_mode mode)
{
	static const char *const names[NR_EXPLORE_MODES] = { "naive",   "sleep",  "source",
							     "optimal", "random", "pos",
							     "pct",     "urw",    "replay" };

	return mode < NR_EXPLORE_MODES ? names[mode] : "(no such mode)";
}
