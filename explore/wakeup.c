/* SPDX-License-Identifier: MIT */
/*
 * What is still to be explored. For each race (e, e') of an execution E there is an execution in
 * which they come the other way round:
 *
 *      E = ... [state] e a b e' ...       a after e, b independent of e
 *      v =             b e'               from the same state
 *
 * v leads to a new trace unless somebody who can come first in it has been explored from that
 * state already (he sleeps). Source sets remember only which thread to try there. Wakeup trees
 * remember all of v, so that no execution is begun in vain.
 *
 * What an entry of a tree or of a sleeping set does is what was seen done; but e' itself, its
 * order with e being the other, may do what it announced instead: a failed compare-exchange
 * may succeed there.
 */
#include "explore/engine.h"

#include <stdlib.h>

/* ---- the sequence v -------------------------------------------------------------------------- */

struct sequence {
	s32 events[MAX_EVENTS + 1];
	unsigned nr;
	s32 last;                    /* e' */
	struct footprint last_print; /* as announced */
};

static struct sequence sequence;

static const struct footprint *print_of(const struct sequence *v, s32 e)
{
	return e == v->last ? &v->last_print : &engine.events[e].done;
}

/* Within v. The clock of e' is that of before its object ordered it after e. */
static bool ordered_in(const struct sequence *v, s32 a, s32 b)
{
	const struct event *first = &engine.events[a], *second = &engine.events[b];

	if (b != v->last)
		return happens_before(first, second);
	return second->before.at[first->thread] >= first->index ||
	       footprints_depend(print_of(v, a), &v->last_print);
}

static void build_sequence(struct sequence *v, const struct race *race)
{
	const struct event *first = &engine.events[race->first];
	const struct event *second = &engine.events[race->second];
	s32 end = MIN(race->second, engine.nr_events);

	v->nr = 0;
	v->last = race->second;
	v->last_print = second->done;
	if (second->tried)
		v->last_print.use = second->kind == SIM_RMW || second->kind == SIM_BIT_TRY ?
					    USE_WRITE :
					    USE_TRY;
	for (s32 e = race->first + 1; e < end; e++)
		if (!happens_before(first, &engine.events[e]))
			v->events[v->nr++] = e;
	v->events[v->nr++] = race->second;
}

/* The first event of a thread in v, or v->nr. */
static unsigned first_of(const struct sequence *v, unsigned thread)
{
	unsigned i = 0;

	while (i < v->nr && engine.events[v->events[i]].thread != thread)
		i++;
	return i;
}

static bool is_initial_at(const struct sequence *v, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (ordered_in(v, v->events[i], v->events[at]))
			return false;
	return true;
}

/* Whether `thread`, doing op, may come first in v: it does, or nothing in v minds. */
static bool is_weak_initial(const struct sequence *v, unsigned thread, const struct footprint *op)
{
	unsigned at = first_of(v, thread);

	if (at < v->nr)
		return is_initial_at(v, at);
	for (unsigned i = 0; i < v->nr; i++)
		if (footprints_depend(op, print_of(v, v->events[i])))
			return false;
	return true;
}

static void remove_first_of(struct sequence *v, unsigned thread)
{
	unsigned at = first_of(v, thread);

	if (at == v->nr)
		return;
	v->nr--;
	memmove(&v->events[at], &v->events[at + 1], (v->nr - at) * sizeof(v->events[0]));
}

static bool somebody_sleeps(const struct sequence *v, const struct frame *frame)
{
	for (u32 set = frame->sleep; set; set &= set - 1) {
		unsigned t = lowest(set);

		if (is_weak_initial(v, t, &frame->sleep_op[t]))
			return true;
	}
	return false;
}

/* ---- trees ------------------------------------------------------------------------------------ */

#define POOL_CHUNK 1024

struct wakeup_chunk {
	struct wakeup_chunk *next;
	struct wakeup nodes[POOL_CHUNK];
};

static struct wakeup_chunk *chunks;
static struct wakeup *free_nodes;

static void pool_grow(void)
{
	struct wakeup_chunk *chunk = malloc(sizeof(*chunk));

	VM_BUG_ON(!chunk);
	chunk->next = chunks;
	chunks = chunk;
	for (unsigned i = 0; i < POOL_CHUNK; i++) {
		chunk->nodes[i].next = free_nodes;
		free_nodes = &chunk->nodes[i];
	}
}

static struct wakeup *wakeup_new(unsigned thread, const struct footprint *op)
{
	struct wakeup *node;

	if (!free_nodes)
		pool_grow();
	node = free_nodes;
	free_nodes = node->next;
	*node = (struct wakeup){ .thread = (u8)thread, .op = *op };
	return node;
}

void wakeup_free(struct wakeup *tree)
{
	while (tree) {
		struct wakeup *next = tree->next;

		wakeup_free(tree->child);
		tree->next = free_nodes;
		free_nodes = tree;
		tree = next;
	}
}

void wakeup_pool_reset(void)
{
	while (chunks) {
		struct wakeup_chunk *next = chunks->next;

		free(chunks);
		chunks = next;
	}
	free_nodes = NULL;
}

/* Add v as a branch at *place: down the first branch that can begin it, else a new last one. */
static void wakeup_insert(struct wakeup **place, struct sequence *v)
{
	while (v->nr) {
		struct wakeup *node = *place;

		while (node && !is_weak_initial(v, node->thread, &node->op)) {
			place = &node->next;
			node = *place;
		}
		if (!node)
			break;
		if (!node->child)
			return; /* whatever follows the leaf will cover it */
		remove_first_of(v, node->thread);
		place = &node->child;
	}
	for (unsigned i = 0; i < v->nr; i++) {
		s32 e = v->events[i];

		*place = wakeup_new(engine.events[e].thread, print_of(v, e));
		place = &(*place)->child;
	}
}

/* ---- reversing -------------------------------------------------------------------------------- */

/* Source sets: some thread that can come first must be tried there. */
static void add_source(struct frame *frame, const struct sequence *v)
{
	u32 initials = 0, seen = 0;

	for (unsigned i = 0; i < v->nr; i++) {
		unsigned t = engine.events[v->events[i]].thread;

		if (!(seen & BIT(t)) && is_initial_at(v, i))
			initials |= (u32)BIT(t);
		seen |= (u32)BIT(t);
	}
	if (!(initials & frame->backtrack))
		frame->backtrack |= (u32)BIT(lowest(initials));
}

/*
 * A wait for a word to change cannot come before the only change of it that it saw: it would
 * still be waiting.
 */
static bool cannot_come_first(const struct race *race)
{
	const struct event *second = &engine.events[race->second];

	return (second->kind == SIM_RELAX || second->kind == SIM_WAIT) &&
	       race->second < engine.nr_events;
}

static void reverse_race(const struct race *race)
{
	struct frame *frame = &engine.frames[race->first];

	if (cannot_come_first(race))
		return;
	build_sequence(&sequence, race);
	if (engine.options->mode == EXPLORE_SOURCE)
		add_source(frame, &sequence);
	else if (!somebody_sleeps(&sequence, frame))
		wakeup_insert(&frame->tree, &sequence);
}

void reverse_races(s32 first_new)
{
	for (u32 i = engine.race_of[first_new]; i < engine.nr_races; i++)
		reverse_race(&engine.races[i]);
}
