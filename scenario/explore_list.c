/* SPDX-License-Identifier: MIT */
/*
 * A failing execution as columns: a line for every event, a column for every thread, the place
 * in the source on the left. It is run once more here, step by step, so that objects can be
 * named and values read as they are at that moment, and the places can be found.
 *
 * Shown are events on objects that more than one thread uses and one of them changes; what the
 * scenario asked for, when it is done; and where every thread stands at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

#include "base/assert.h"
#include "scenario/explore_internal.h"
#include "scenario/script_internal.h"
#include "scenario/words.h"

#define SOURCE_COLUMN 30
#define COLUMN 36

static struct {
	struct explore_listing *listing;
	struct scn_explore *explore;
	struct sim_fiber *fibers[EXPLORE_MAX_THREADS];
	unsigned threads;
	unsigned running;
	bool failed;
} list;

/* ---- one execution, written down ------------------------------------------------------ */

static struct listed *add(unsigned thread)
{
	struct explore_listing *listing = list.listing;
	struct listed *listed;

	if (listing->nr == MAX_LISTED)
		return NULL;
	listed = &listing->events[listing->nr++];
	*listed = (struct listed){ .thread = (u8)thread };
	return listed;
}

static void add_text(unsigned thread, const char *text)
{
	struct listed *listed = add(thread);

	if (listed)
		snprintf(listed->text, sizeof(listed->text), "%s", text);
}

static u64 peek(const struct sim_op *op)
{
	return op->object && op->size && op->size <= 8 && !(op->size & (op->size - 1)) ?
		       sim_peek(op->object, op->size) :
		       0;
}

struct frames {
	void **pc;
	unsigned nr, skip;
};

static _Unwind_Reason_Code one_frame(struct _Unwind_Context *context, void *arg)
{
	struct frames *frames = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	if (!pc || frames->nr == MAX_FRAMES)
		return _URC_END_OF_STACK;
	if (frames->skip)
		frames->skip--;
	else
		frames->pc[frames->nr++] = (void *)(pc - 1);
	return _URC_NO_REASON;
}

/* Where each thread is when it announces: on its own stack. */
static void *pending[EXPLORE_MAX_THREADS][MAX_FRAMES];

static void watch(const struct sim_fiber *fiber)
{
	for (unsigned t = 0; t < list.threads; t++) {
		struct frames frames = { .pc = pending[t], .skip = 2 };

		if (list.fibers[t] != fiber)
			continue;
		memset(pending[t], 0, sizeof(pending[t]));
		_Unwind_Backtrace(one_frame, &frames);
	}
}

static void list_step(unsigned thread)
{
	struct sim_fiber *fiber = list.fibers[thread];
	struct sim_op op = fiber->op;
	struct listed *listed = op.kind == SIM_START ? NULL : add(thread);

	if (listed) {
		listed->kind = op.kind;
		listed->size = op.size;
		listed->object = op.object;
		listed->object2 = op.object2;
		listed->site = op.site;
		listed->before = peek(&op);
		memcpy(listed->pc, pending[thread], sizeof(listed->pc));
		explore_name_object(&op, listed->text, sizeof(listed->text));
	}
	list.running = thread;
	sim_step(fiber);
	if (listed)
		listed->after = peek(&op);
}

static void list_bug(const char *text)
{
	add_text(list.running, text);
	list.failed = true;
	sim_abandon();
}

/* A call of the scenario is over. */
static int on_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	char call[100], result[60], text[200];

	(void)arg;
	(void)session;
	scn_step_format(step, call, sizeof(call));
	scn_result_format(step, result, sizeof(result));
	snprintf(text, sizeof(text), "= line %u: %s = %s", step->line, call, result);
	add_text(list.running, text);
	return 0;
}

static void thread_main(void *arg)
{
	struct script_fiber *fiber = scn_explore_script(list.explore)->bodies[(uintptr_t)arg];

	script_run_body(fiber);
	if (!fiber->error[0])
		return;
	add_text(list.running, fiber->error);
	list.failed = true;
}

static int next_thread(const struct explore_result *result, unsigned at)
{
	int other = -1;

	for (unsigned t = 0; t < list.threads; t++) {
		if (list.fibers[t]->ended || !sim_enabled(list.fibers[t]))
			continue;
		if (at < result->schedule_len && t == result->schedule[at])
			return (int)t;
		if (other < 0 || t == list.running)
			other = (int)t;
	}
	return other;
}

void explore_list_run(struct scn_explore *explore, const struct explore_result *result,
		      struct explore_listing *listing)
{
	const struct explore_program *program = scn_explore_program(explore);
	umm_bug_handler *before = umm_bug_set_handler(list_bug);
	int thread;

	memset(&list, 0, sizeof(list));
	list.listing = listing;
	list.explore = explore;
	list.threads = program->threads;
	program->reset(program->arg);
	scn_explore_script(explore)->session->watcher.step = on_step;
	fiber_init_host(&sim.outside.fiber);
	sim_stepped = true;
	sim.active = true;
	sim.next_id = 0;
	for (unsigned t = 0; t < list.threads; t++)
		list.fibers[t] = sim_fiber_new(NULL, thread_main, (void *)(uintptr_t)t);
	sim_restart(list.fibers, list.threads);
	sim_watch = watch;
	for (unsigned t = 0; t < list.threads; t++)
		sim_step(list.fibers[t]);
	for (unsigned at = 0; !list.failed && at < EXPLORE_MAX_EVENTS; at++) {
		thread = next_thread(result, at);
		if (thread < 0)
			break;
		list_step((unsigned)thread);
	}
	for (unsigned t = 0; t < list.threads && !list.failed; t++) {
		char text[160];
		struct strbuf sb;

		if (list.fibers[t]->ended)
			continue;
		strbuf_init(&sb, text, sizeof(text));
		sim_describe(&sb, list.fibers[t]);
		add_text(t, text);
	}
	sim_watch = NULL;
	sim.active = false;
	sim_discard_fibers();
	sim_stepped = false;
	umm_bug_set_handler(before);
}

/* ---- what of it is shown -------------------------------------------------------------- */

static bool changes(const struct listed *listed)
{
	return listed->kind != SIM_LOAD && listed->kind != SIM_RELAX && listed->kind != SIM_WAIT;
}

/* Used by several threads, and changed by one of them. */
static bool is_shared(const struct explore_listing *listing, const void *object)
{
	unsigned users = 0;
	bool changed = false;

	for (unsigned i = 0; i < listing->nr; i++) {
		const struct listed *listed = &listing->events[i];

		if (!listed->kind || (listed->object != object && listed->object2 != object))
			continue;
		users |= 1u << listed->thread;
		changed |= listed->object == object && changes(listed);
	}
	return changed && (users & (users - 1));
}

static void print_event(const struct listed *listed, FILE *out)
{
	char value[64] = "", text[400];

	if (listed->size && listed->before != listed->after)
		snprintf(value, sizeof(value), " %#llx -> %#llx",
			 (unsigned long long)listed->before, (unsigned long long)listed->after);
	else if (listed->size)
		snprintf(value, sizeof(value), " = %#llx", (unsigned long long)listed->after);
	if (!listed->kind)
		snprintf(text, sizeof(text), "%s", listed->text);
	else
		snprintf(text, sizeof(text), "%s %s%s", sim_kind_words(listed->kind), listed->text,
			 value);
	text[strcspn(text, "\n")] = '\0';
	fprintf(out, "%-*s%*s%s\n", SOURCE_COLUMN, listed->source ? listed->source : "",
		listed->thread * COLUMN, "", text);
}

void scn_explore_list(struct scn_explore *scenario, const struct explore_result *result,
		      bool all_events, FILE *out)
{
	struct explore_listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return;
	explore_list_run(scenario, result, listing);
	for (unsigned i = 0; i < listing->nr; i++) {
		struct listed *listed = &listing->events[i];

		listed->shown = !listed->kind || all_events || is_shared(listing, listed->object);
	}
	explore_find_sources(listing);
	fprintf(out, "%*s", SOURCE_COLUMN, "");
	for (unsigned t = 0; t < list.threads; t++)
		fprintf(out, "%-*s", t + 1 < list.threads ? COLUMN : 0,
			scn_explore_thread(scenario, t));
	fprintf(out, "\n");
	for (unsigned i = 0; i < listing->nr; i++)
		if (listing->events[i].shown)
			print_event(&listing->events[i], out);
	explore_free_sources(listing);
	free(listing);
}
