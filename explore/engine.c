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
#include "explore/memory.h"

#include "base/format.h"
#include "base/uapi.h"
#include "host/host.h"

struct engine engine;
enum explore_fault explore_fault;
u32 explore_race_limit = MAX_RACES;

/* ---- one execution ------------------------------------------------------------------ */

static u32 enabled_threads(void)
{
	u32 set = 0;

	for (unsigned t = 0; t < engine.threads; t++) {
		const struct sim_fiber *fiber = engine.fibers[t];

		if (!fiber->ended && (!sim_can_block(fiber->op.kind) || sim_enabled(fiber) ||
				      (planted(FAULT_SPINNING) && fiber->op.kind == SIM_RELAX)))
			set |= bit_of(t);
	}
	return set;
}

/* The value of a word that the operation touches; 0: it is no word. */
static u64 word_of(const struct sim_op *op)
{
	bool word = op->object && op->size && op->size <= 8 && !(op->size & (op->size - 1));

	return word ? sim_peek(op->object, op->size) : 0;
}

static void tell_event(unsigned thread, const struct sim_op *op, bool waits)
{
	struct explore_event event = {
		.thread = thread,
		.words = sim_kind_words(op->kind),
		.site = op->site,
		.object = op->object,
		.size = op->size,
		.before = waits ? word_of(op) : engine.told_value,
		.after = engine.told_old ? engine.told_after : word_of(op),
		.changes = op->kind == SIM_STORE || op->kind == SIM_RMW,
		.failed = !waits && !engine.fibers[thread]->took_effect,
		.waits = waits,
		.old = !waits && engine.told_old,
	};

	if (op->kind != SIM_START)
		engine.options->event(engine.options->event_arg, &event);
}

/* The event is over: its thread has announced the next, or has ended. */
static void finish_event(void)
{
	s32 e = engine.nr_events - 1;
	struct event *event = &engine.events[e];

	engine.under_way = false;
	if (unlikely(engine.options->event))
		tell_event(engine.frames[e].chosen, &engine.told_op, false);
	if (e < engine.kept)
		return;
	if (!engine.fibers[event->thread]->took_effect && event->done.use != USE_NONE)
		event->done.use = USE_READ;
	if (engine.orders)
		order_event(e);
	else
		engine.kept = engine.goes_back ? e + 1 : 0;
	if (engine.bounded)
		bound_event(e);
	if (!engine.goes_back)
		random_event(e);
}

/* A program that keeps something outside what its reset brings back. */
static void check_repeats(const struct event *event, const struct sim_op *op, unsigned thread)
{
	if (event->thread == thread && event->kind == op->kind && event->address == op->object)
		return;
	engine.end = END_FAILED;
	engine.result->differs = true;
}

static u64 expected_of(const struct sim_op *op)
{
	return op->size < sizeof(u64) ? op->expected & (BIT(8 * op->size) - 1) : op->expected;
}

static void begin_without_rewinding(void)
{
	engine.joined.deep = true;
	engine.end = END_ANEW;
}

static void start_event(unsigned thread)
{
	struct sim_fiber *fiber = engine.fibers[thread];
	s32 e = engine.nr_events++;
	struct event *event = &engine.events[e];

	engine.under_way = true;
	engine.result->events++;
	engine.frames[e].chosen = (u8)thread;
	if (unlikely(engine.options->event)) {
		engine.told_op = fiber->op;
		engine.told_old = false;
		engine.told_value = word_of(&fiber->op);
		if (engine.options->before)
			engine.options->before(engine.options->event_arg, thread, &fiber->op);
	}
	if (e < engine.kept) {
		check_repeats(event, &fiber->op, thread);
		return;
	}
	if (engine.rewinds && engine.goes_back && !rewind_save(e, fiber))
		begin_without_rewinding();
	event->thread = (u8)thread;
	event->kind = fiber->op.kind;
	event->size = fiber->op.size;
	event->address = fiber->op.object;
	event->compares = fiber->op.kind == SIM_RMW && fiber->op.rmw == SIM_CMPXCHG;
	event->arg = event->compares ? expected_of(&fiber->op) : fiber->op.arg;
	if (!engine.prints)
		return;
	event->done = random_pending(thread);
	event->announced = event->done.use;
	if (event->done.use != USE_READ && event->done.use != USE_NONE)
		event->before = told_before(&fiber->op);
}

/* Who sleeps in a state that is seen for the first time. */
static void inherit_sleep(struct frame *frame, s32 depth)
{
	const struct frame *above = &engine.frames[depth - 1];
	const struct footprint *print = &engine.events[depth - 1].done;

	for (u32 set = above->sleep & ~bit_of(above->chosen); set; set &= set - 1) {
		unsigned t = lowest(set);

		if (footprints_depend(print, &engine.sleep_op[depth - 1][t]))
			continue;
		frame->sleep |= bit_of(t);
		engine.sleep_op[depth][t] = engine.sleep_op[depth - 1][t];
	}
}

static void open_frame(s32 depth)
{
	struct frame *frame = &engine.frames[depth];

	frame->enabled = enabled_threads();
	frame->sleep = 0;
	frame->backtrack = 0;
	frame->done = 0;
	frame->preemptions = 0;
	frame->cut = false;
	if (depth == 0)
		return;
	if (engine.bounded)
		frame->preemptions =
			(u16)preemptions_after(depth - 1, engine.frames[depth - 1].chosen);
	if (engine.sleeps)
		inherit_sleep(frame, depth);
}

/* Going on with the same thread saves a switch. */
static unsigned prefer(u32 set, s32 depth)
{
	unsigned last = depth ? engine.frames[depth - 1].chosen : 0;

	return set & bit_of(last) ? last : lowest(set);
}

/* The next branch of the wakeup tree; -1: none. */
static int choose_branch(struct frame *frame, s32 depth)
{
	while (frame->tree) {
		struct wakeup *node = frame->tree;
		unsigned thread = node->thread;

		frame->tree = node->next;
		engine.frames[depth + 1].tree = node->child;
		node->child = NULL;
		node->next = NULL;
		wakeup_free(node);
		if (likely(frame->enabled & bit_of(thread)))
			return (int)thread;
		engine.result->infeasible++;
		wakeup_free(engine.frames[depth + 1].tree);
		engine.frames[depth + 1].tree = NULL;
	}
	return -1;
}

/* The thread to go on with in a new state; -1: none that is worth it. */
static int choose_new(struct frame *frame, s32 depth)
{
	u32 awake = frame->enabled & ~frame->sleep;
	int thread = choose_branch(frame, depth);

	if (thread >= 0)
		return thread;
	if (!awake)
		return -1;
	thread = (int)prefer(awake, depth);
	/* The one that could go on sleeps. */
	if (engine.bounded && !bound_allows(depth, (unsigned)thread)) {
		frame->cut = true;
		return -1;
	}
	return thread;
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
	frame->age = AGE_OPEN;
	frame->ages = 0;
	if (!engine.goes_back) {
		u32 enabled = enabled_threads();

		frame->enabled = enabled;
		if (enabled)
			return (int)random_pick(depth, enabled);
		engine.end = END_COMPLETE;
		return -1;
	}
	open_frame(depth);
	if (!frame->enabled) {
		engine.end = END_COMPLETE;
		return -1;
	}
	thread = choose_new(frame, depth);
	if (thread < 0)
		engine.end = END_BLOCKED;
	else
		frame->backtrack = engine.options->mode <= EXPLORE_SLEEP ? frame->enabled :
									   bit_of((unsigned)thread);
	return thread;
}

static int go_on(void)
{
	s32 depth = engine.nr_events;

	if (unlikely(engine.opening)) {
		if (depth == engine.prefix) {
			/* What its giver has left out there is not known. */
			engine.frames[depth].cut = engine.bounded;
			engine.end = END_OPENED;
			return -1;
		}
		open_frame(depth);
		piece_frame(depth);
		return engine.end == END_NONE ? (int)engine.frames[depth].chosen : -1;
	}
	return depth < engine.prefix ? (int)engine.frames[depth].chosen : go_on_new(depth);
}

static void thread_main(void *arg)
{
	engine.program->thread(engine.program->arg, (unsigned)(uintptr_t)arg);
}

/* Everyone stands before his first operation. */
static void start_execution(bool first)
{
	engine.nr_events = 0;
	engine.failed_at = NO_EVENT;
	engine.end = END_NONE;
	if (!engine.goes_back && (engine.orders || engine.nr_objects > MAX_OBJECTS / 2))
		footprint_reset();
	if (!engine.goes_back && engine.orders)
		order_reset();
	engine.program->reset(engine.program->arg);
	engine.result->old_reads = 0;
	if (engine.weak)
		memory_start();
	if (engine.rewinds && !first) {
		rewind_start();
		return;
	}
	sim_restart(engine.fibers, engine.threads);
	for (unsigned t = 0; t < engine.threads && engine.end == END_NONE; t++)
		sim_step(engine.fibers[t]);
	if (engine.rewinds && !rewind_save_start())
		begin_without_rewinding();
}

/* The fiber that is to do the next event, with everything written down for it; NULL: the end. */
static struct sim_fiber *next_event(void)
{
	int thread;

	if (engine.end != END_NONE || (thread = go_on()) < 0)
		return NULL;
	start_event((unsigned)thread);
	return likely(engine.end == END_NONE) ? engine.fibers[thread] : NULL;
}

/* The same on the stack of the fiber whose event is over. */
static struct sim_fiber *next_event_on_fiber(void)
{
	finish_event();
	return next_event();
}

static void run_execution(void)
{
	struct sim_fiber *next;

	sim_next = engine.decides_on_fiber ? next_event_on_fiber : NULL;
	while ((next = next_event())) {
		sim_step(next);
		if (engine.under_way)
			finish_event();
	}
	sim_next = NULL;
	memory_stop();
}

/* ---- failures ----------------------------------------------------------------------- */

static void note_schedule(struct explore_result *result)
{
	result->schedule_len = (unsigned)engine.nr_events;
	for (s32 e = 0; e < engine.nr_events; e++) {
		unsigned last = e ? engine.frames[e - 1].chosen : engine.frames[e].chosen;

		result->schedule[e] = engine.frames[e].chosen;
		if (engine.weak && engine.frames[e].age != AGE_OPEN)
			result->schedule[e] += engine.frames[e].age * EXPLORE_MAX_THREADS;
		if (last == engine.frames[e].chosen)
			continue;
		result->switches++;
		result->preemptions += (engine.frames[e].enabled & bit_of(last)) != 0;
	}
}

static void note_failure(enum explore_failure failure, const char *text)
{
	struct explore_result *result = engine.result;
	struct strbuf sb;

	if (engine.failed_at == NO_EVENT)
		engine.failed_at = engine.nr_events;
	if (result->failure)
		return;
	result->first_failure = result->executions + 1;
	result->failure = failure;
	strbuf_init(&sb, result->failure_text, sizeof(result->failure_text));
	strbuf_puts(&sb, text);
	note_schedule(result);
}

static void note_thread(void)
{
	for (unsigned t = 0; t < engine.threads; t++)
		if (engine.fibers[t] == sim_current())
			engine.result->failed_thread = (int)t;
}

void explore_fail(const char *text)
{
	bool first;

	if (weak_fail(text))
		return;
	first = !engine.result->failure;
	note_failure(EXPLORE_FAIL_CHECK, text);
	if (sim_self == &sim.outside.self)
		return;
	if (first)
		note_thread();
	/* With what the thread leaves undone others may be stuck; that is no failure of its own. */
	sim_current()->ended = true;
	if (!engine.options->keep_going)
		engine.end = END_FAILED;
	sim_abandon();
}

static void bug_in_execution(const char *text)
{
	explore_fail(text);
	if (!engine.checking)
		host_die(text);
	longjmp(engine.checked, 1);
}

static void check_execution(void)
{
	if (!engine.program->check || engine.failed_at != NO_EVENT)
		return;
	engine.checking = true;
	if (!setjmp(engine.checked))
		engine.program->check(engine.program->arg);
	engine.checking = false;
}

static void note_stuck(void)
{
	char text[EXPLORE_TEXT_BYTES];
	bool lock = false;
	struct strbuf sb;

	for (unsigned t = 0; t < engine.threads; t++)
		lock |= !engine.fibers[t]->ended && engine.fibers[t]->lockdep.depth > 0;
	strbuf_init(&sb, text, sizeof(text));
	strbuf_puts(&sb, lock ? "deadlock" : "stuck, perhaps a lost wake-up");
	for (unsigned t = 0; t < engine.threads; t++) {
		if (engine.fibers[t]->ended)
			continue;
		strbuf_puts(&sb, "\n  ");
		sim_describe(&sb, engine.fibers[t]);
		sb.len--; /* without its newline */
	}
	if (strbuf_complete(&sb))
		text[sb.len] = '\0';
	note_failure(EXPLORE_FAIL_DEADLOCK, text);
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
	result->unasked += engine.weak && memory.full;
	if (engine.end == END_BLOCKED) {
		result->blocked++;
		return;
	}
	if (engine.end == END_TOO_LONG) {
		result->cut++;
	} else if (result->differs) {
		note_failure(EXPLORE_FAIL_DIFFERS,
			     "an execution did not repeat itself: something is kept outside what "
			     "the program's reset puts back");
	} else if (engine.end == END_COMPLETE && somebody_waits()) {
		if (engine.failed_at == NO_EVENT)
			result->deadlocks++;
		if (engine.failed_at == NO_EVENT && !engine.options->deadlocks_allowed)
			note_stuck();
	} else if (engine.end == END_COMPLETE) {
		check_execution();
	}
	for (unsigned t = 0; engine.options->event && t < engine.threads; t++)
		if (!engine.fibers[t]->ended && !sim_enabled(engine.fibers[t]))
			tell_event(t, &engine.fibers[t]->op, true);
	result->executions++;
	if (engine.failed_at != NO_EVENT)
		result->failures++;
	if (engine.options->each)
		engine.options->each(engine.options->each_arg, order_hash());
}

/* ---- going back --------------------------------------------------------------------- */

/*
 * The branch that was taken at a frame is done: its thread sleeps there from now on, if all of
 * the branch was seen.
 */
static void close_branch(struct frame *frame, s32 depth)
{
	frame->done |= bit_of(frame->chosen);
	frame->cut |= frame[1].cut;
	if (!engine.sleeps)
		return;
	/* Of several ages only the last is known. */
	if ((frame[1].cut || (engine.bounded && engine.weak)) && !planted(FAULT_BOUNDED_SLEEP))
		return;
	frame->sleep |= bit_of(frame->chosen);
	engine.sleep_op[depth][frame->chosen] = engine.events[depth].done;
	if (planted(FAULT_SLEEP_AS_ANNOUNCED))
		engine.sleep_op[depth][frame->chosen].use = engine.events[depth].announced;
}

/* The next branch of a frame, or -1. */
static int next_branch(struct frame *frame, s32 depth)
{
	u32 left = frame->backtrack & frame->enabled & ~frame->done & ~frame->sleep;

	if (engine.options->mode == EXPLORE_OPTIMAL && !engine.bounded)
		return choose_branch(frame, depth);
	for (; engine.bounded && left; left &= left - 1) {
		if (bound_allows(depth, lowest(left)))
			break;
		frame->cut = true;
	}
	return left ? (int)lowest(left) : -1;
}

/* False: everything has been tried. */
static bool go_back(void)
{
	wakeup_free(engine.frames[engine.nr_events].tree);
	engine.frames[engine.nr_events].tree = NULL;
	for (s32 depth = engine.nr_events - 1; depth >= engine.base; depth--) {
		struct frame *frame = &engine.frames[depth];
		bool again = frame->ages != 0;
		int thread;

		if (!again)
			close_branch(frame, depth);
		if (engine.orders)
			order_undo(depth);
		if (engine.rewinds)
			rewind_undo(depth);
		if (depth < engine.failed_at)
			engine.failed_at = NO_EVENT;
		thread = again ? frame->chosen : next_branch(frame, depth);
		if (thread >= 0) {
			frame->chosen = (u8)thread;
			frame->age = again ? (u8)lowest(frame->ages) : AGE_OPEN;
			frame->ages &= frame->ages - 1;
			engine.prefix = depth + 1;
			engine.expanded = MIN(engine.expanded, engine.prefix);
			engine.kept = depth;
			return true;
		}
	}
	return false;
}

static void look_for_branches(void)
{
	bool stuck = engine.end == END_COMPLETE || engine.end == END_BLOCKED;

	if (engine.options->mode <= EXPLORE_SLEEP)
		return;
	engine.race_of[engine.nr_events] = engine.nr_races;
	if (stuck && engine.bounded)
		bound_stuck();
	if (stuck && !planted(FAULT_NO_STUCK))
		(void)order_stuck();
	/* Not all of these races could be written down. */
	if (stuck && engine.end == END_TOO_LONG)
		engine.result->cut++;
	reverse_races(engine.prefix ? engine.prefix - 1 : 0);
}

static bool more(void)
{
	if (!engine.goes_back)
		return random_more();
	look_for_branches();
	if (!go_back()) {
		engine.result->complete = !engine.result->cut && !engine.result->unasked;
		return false;
	}
	if (engine.rewinds) {
		engine.nr_events = engine.prefix - 1;
		engine.end = END_NONE;
	}
	return true;
}

/* How often the clock is looked at, in executions. */
#define CLOCK_EVERY 16

static bool within_limits(void)
{
	const struct explore_options *options = engine.options;
	struct explore_result *result = engine.result;
	u64 now;

	if (options->max_executions && result->executions >= options->max_executions)
		return false;
	if (result->differs || (result->failures && !options->keep_going))
		return false;
	if (options->stop && *options->stop)
		return false;
	if (options->max_blocked && result->blocked > options->max_blocked + result->executions)
		return false;
	if ((result->executions + result->blocked) % CLOCK_EVERY)
		return true;
	now = host_monotonic_ns();
	result->ns = now - engine.start_ns;
	if (options->max_ns && result->ns >= options->max_ns)
		return false;
	if (options->progress && now >= engine.next_progress_ns) {
		engine.next_progress_ns = now + 100000000;
		if (engine.goes_back)
			result->estimate = (double)result->executions / explored_share();
		options->progress(options->progress_arg, result);
	}
	return true;
}

/* ---- from outside ------------------------------------------------------------------- */

static void choose_ways(const struct explore_options *options)
{
	enum explore_mode mode = options->mode;

	engine.goes_back = mode <= EXPLORE_OPTIMAL;
	engine.bounded = engine.goes_back && options->max_preemptions >= 0;
	engine.sleeps = engine.goes_back && mode != EXPLORE_NAIVE;
	engine.orders = options->each || mode == EXPLORE_SOURCE || mode == EXPLORE_OPTIMAL;
	engine.prints = engine.orders || engine.sleeps || mode == EXPLORE_POS;
	sim_races_allowed = options->races_allowed;
	order_watch();
	engine.weak = options->memory != WEAK_SC;
	engine.collects = engine.goes_back && mode > EXPLORE_SLEEP;
	engine.rewinds = engine.program->stack_only && rewind_possible() && !engine.joined.deep &&
			 !engine.weak;
	/* What is rewound has to be left first. */
	engine.decides_on_fiber = !(engine.goes_back && engine.rewinds);
}

static void begin(const struct explore_program *program, const struct explore_options *options,
		  struct explore_result *result)
{
	memset(result, 0, sizeof(*result));
	result->failed_thread = -1;
	engine.program = program;
	engine.options = options;
	engine.result = result;
	engine.threads = program->threads;
	engine.prefix = 0;
	engine.checking = false;
	engine.frames[0].tree = NULL;
	choose_ways(options);
	footprint_reset();
	order_reset();
	piece_begin();
	random_begin();
	if (engine.weak)
		memory_begin();
	fiber_init_host(&sim.outside.fiber);
	sim_stepped = true;
	sim.active = true;
	sim.next_id = 0;
	for (unsigned t = 0; t < engine.threads; t++)
		engine.fibers[t] = sim_fiber_new(NULL, thread_main, (void *)(uintptr_t)t);
}

static void finish(void)
{
	for (u64 d = 0; d <= MIN(engine.result->longest + 1, (u64)MAX_EVENTS); d++)
		engine.frames[d].tree = NULL;
	wakeup_pool_reset();
	sim.active = false;
	sim_discard_fibers();
	sim_stepped = false;
	sim_races_allowed = false;
	sim_order = NULL;
	engine.result->ns = host_monotonic_ns() - engine.start_ns;
	engine.result->bounded = engine.options->max_preemptions >= 0;
	if (engine.result->complete)
		engine.result->estimate = (double)engine.result->executions;
}

/* False: to be begun anew. */
static bool explore_all(const struct explore_program *program,
			const struct explore_options *options, struct explore_result *ret_result)
{
	umm_bug_handler *before;

	begin(program, options, ret_result);
	before = umm_bug_set_handler(bug_in_execution);
	start_execution(true);
	for (;;) {
		run_execution();
		if (engine.end == END_ANEW)
			break;
		if (engine.end == END_OPENED)
			engine.opening = false;
		else
			judge_execution();
		if (!within_limits() || !more())
			break;
		if (options->give)
			piece_give();
		if (!engine.rewinds || !engine.goes_back)
			start_execution(false);
	}
	umm_bug_set_handler(before);
	if (engine.goes_back && !ret_result->complete)
		ret_result->estimate = (double)ret_result->executions / explored_share();
	finish();
	return engine.end != END_ANEW;
}

int explore(const struct explore_program *program, const struct explore_options *options,
	    struct explore_result *ret_result)
{
	struct explore_options sources;

	if (options->memory != WEAK_SC) {
		if (options->piece || options->give)
			return -EINVAL;
		sources = *options;
		/* What a wakeup tree foresees might read something else. */
		if (sources.mode == EXPLORE_OPTIMAL)
			sources.mode = EXPLORE_SOURCE;
		options = &sources;
	}
	if (!program->threads || program->threads > MAX_THREADS)
		return -EINVAL;
	if (options->piece && options->mode >= EXPLORE_OPTIMAL)
		return -EINVAL;
	VM_BUG_ON(sim.active);
	engine.start_ns = host_monotonic_ns();
	engine.next_progress_ns = engine.start_ns + 100000000;
	engine.joined.nr = 0;
	engine.joined.deep = false;
	memory_open();
	if (options->halves)
		engine.joined = *options->halves;
	while (!explore_all(program, options, ret_result)) {
		if (options->each)
			options->each(options->each_arg, 0);
		ret_result->anew = options->piece || options->give;
		if (ret_result->anew)
			break;
	}
	if (options->halves)
		*options->halves = engine.joined;
	return 0;
}

const char *explore_mode_name(enum explore_mode mode)
{
	static const char *const names[NR_EXPLORE_MODES] = { "naive",   "sleep",  "source",
							     "optimal", "random", "pos",
							     "pct",     "urw",    "replay" };

	return mode < NR_EXPLORE_MODES ? names[mode] : "(no such mode)";
}
