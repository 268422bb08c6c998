/* SPDX-License-Identifier: MIT */
/*
 * What is still to be explored. For each race (e, e') of an execution E there is an execution in
 * which they come the other way round:
 *
 *      E = ... [state] e a b e' c ...     a after e; b and c not after e
 *      v =             b c e'             from the same state
 *
 * v leads to a new trace unless somebody who can come first in it has been explored from that
 * state already (he sleeps). Source sets remember only which thread to try there. Wakeup trees
 * remember all of v, so that no execution is begun in vain.
 *
 * Without c somebody might seem to be able to come first who minds c. So with wakeup trees races
 * are dealt with when the execution has come to its end, and v has everything; source sets need
 * no more than what lies before e'.
 *
 * What an entry of a tree or of a sleeping set does is what was seen done; but e' itself, its
 * order with e being the other, may do otherwise: a failed compare-exchange may succeed there, or
 * a successful one fail. Which of them is known, from what its word held before e. It has to be:
 * taken for a change, a look would be a branch beside that of another look, which sleeps all
 * through it, and what was left to that branch to cover would be lost.
 *
 * v is not written down: of each thread it has some events in a row, from the one after those
 * that the state has behind it up to the first that comes after e. An event of it may come
 * first when its clock, but for itself, is within what the state has behind it.
 */
#include "explore/engine.h"

#include <stdlib.h>

/* ---- the sequence v ----------------------------------------------------------------- */

struct sequence {
	s32 first, last; /* e and e' */
	s32 end;         /* events of v, but for e', lie before it */
	struct absent absent;
	struct footprint last_print; /* there */
	/* Events of each thread before what is left. */
	clock_lanes taken[MAX_THREADS / CLOCK_LANES];
};

static bool is_left(const struct sequence *v, s32 e)
{
	const struct event *event = &engine.events[e];

	return event->index > lane_of(v->taken, event->thread) && !happens_before(v->first, e);
}

/* What the event makes of the state of a rw_semaphore. */
static u64 rwsem_after(u64 state, const struct event *event)
{
	if (event->done.use == USE_READ)
		return state;
	switch (event->kind) {
	case SIM_READ_LOCK:
	case SIM_READ_TRY:
		return state + 1;
	case SIM_READ_UNLOCK:
		return state - 1;
	case SIM_WRITE_LOCK:
	case SIM_WRITE_TRY:
		return state | RWSEM_WRITER;
	case SIM_WRITE_UNLOCK:
		return state & ~(u64)RWSEM_WRITER;
	case SIM_DOWNGRADE:
		return (state & ~(u64)RWSEM_WRITER) + 1;
	default:
		return state;
	}
}

/*
 * What e' does at the end of v. A change of its object that lies between e and e' comes after e,
 * so it finds what e found: but for a rw_semaphore, whose readers come and go in any order.
 */
static u8 use_of_last(const struct sequence *v)
{
	const struct event *first = &engine.events[v->first], *last = &engine.events[v->last];
	u64 there = first->before;

	if (planted(FAULT_REVERSAL_AS_DONE) || first->done.object != last->done.object ||
	    first->done.use == USE_READ)
		return last->done.use;
	if (planted(FAULT_REVERSAL_IN_FULL))
		return last->announced;
	if (last->kind == SIM_READ_TRY || last->kind == SIM_WRITE_TRY) {
		there >>= 8 * ((uintptr_t)first->address % sizeof(u64));
		for (s32 e = v->first + 1; e < v->end; e++)
			if (engine.events[e].done.object == last->done.object && is_left(v, e))
				there = rwsem_after(there, &engine.events[e]);
		there <<= 8 * ((uintptr_t)last->address % sizeof(u64));
	}
	return would_do(last, there) ? last->announced : USE_READ;
}

static void sequence_begin(struct sequence *v, const struct race *race)
{
	const struct event *last = &engine.events[race->second];

	v->first = race->first;
	v->last = race->second;
	v->absent = (struct absent){ 0 };
	v->end = engine.nr_events;
	if (engine.options->mode == EXPLORE_SOURCE || engine.bounded ||
	    planted(FAULT_SHORT_SEQUENCE))
		v->end = MIN(race->second, engine.nr_events);
	v->last_print = last->done;
	clock_copy(v->taken, counts_at(race->first));
	if (last->announced != USE_READ && last->announced != USE_NONE)
		v->last_print.use = use_of_last(v);
}

static bool last_is_left(const struct sequence *v)
{
	const struct event *last = &engine.events[v->last];

	return last->index > lane_of(v->taken, last->thread);
}

/* The same for a plain word, when v goes on to the end: along the uses of the word alone. */
static bool word_is_used(const struct sequence *v, const struct footprint *op)
{
	const struct object *object = &engine.objects[op->object];
	s32 write = object->last_write, read = object->reads;

	for (;;) {
		while (op->use != USE_READ && read > v->first) {
			const struct event *event = &engine.events[read];

			if (is_left(v, read))
				return true;
			read = event->done.object == op->object ? event->next_read :
								  event->next_read2;
		}
		if (write <= v->first)
			return false;
		if (is_left(v, write))
			return true;
		read = engine.events[write].prev_reads;
		write = engine.events[write].prev_write;
	}
}

/* What is left of v has something that the operation depends on, other than event `but`. */
static bool depends_on_rest(const struct sequence *v, const struct footprint *op, s32 but)
{
	if (likely(but == NO_EVENT && v->end == engine.nr_events && !op->object2 &&
		   !engine.objects[op->object].lock)) {
		if (op->object && word_is_used(v, op))
			return true;
	} else {
		for (s32 e = v->first + 1; e < v->end; e++)
			if (footprints_depend(op, &engine.events[e].done) && e != but &&
			    is_left(v, e))
				return true;
	}
	return v->last != but && last_is_left(v) && footprints_depend(op, &v->last_print);
}

/* The first event of a thread in what is left of v; NO_EVENT: it has none. */
static s32 first_of(const struct sequence *v, unsigned thread)
{
	const struct event *last = &engine.events[v->last];
	s16 index = (s16)(lane_of(v->taken, thread) + 1);
	s32 e;

	if (thread == last->thread && index == last->index)
		return v->last;
	if (index > lane_of(counts_at(engine.nr_events), thread))
		return NO_EVENT;
	e = engine.event_of[thread][index];
	return e < v->end && !happens_before(v->first, e) ? e : NO_EVENT;
}

static bool is_initial(const struct sequence *v, s32 e)
{
	const struct event *event = &engine.events[e];

	if (e != v->last)
		return clock_within(clock_of(e), v->taken, event->thread);
	/* The clock of e' is that of before its object ordered it after e. */
	return clock_within(clock_before(event), v->taken, event->thread) &&
	       !depends_on_rest(v, &v->last_print, e);
}

static void add_objects(struct absent *absent, const struct footprint *op)
{
	u64 objects = op->object ? BIT(op->object % 64) : 0;

	if (op->use == USE_READ)
		absent->read |= objects;
	else
		absent->written |= objects;
	if (op->object2)
		absent->read |= BIT(op->object2 % 64);
}

/* Whether `thread`, doing op, may come first in v: it does, or nothing in v minds. */
static bool is_weak_initial(struct sequence *v, unsigned thread, const struct footprint *op)
{
	s32 e = first_of(v, thread);

	if (e != NO_EVENT)
		return is_initial(v, e);
	if (depends_on_rest(v, op, NO_EVENT))
		return false;
	v->absent.threads |= bit_of(thread);
	add_objects(&v->absent, op);
	return true;
}

static void take_first_of(struct sequence *v, unsigned thread)
{
	if (first_of(v, thread) != NO_EVENT)
		count_up(v->taken, thread);
}

static bool nothing_left(const struct sequence *v)
{
	if (last_is_left(v))
		return false;
	for (s32 e = v->first + 1; e < v->end; e++)
		if (is_left(v, e))
			return false;
	return true;
}

static bool somebody_sleeps(struct sequence *v, s32 depth)
{
	struct absent one = { 0 };

	for (u32 set = engine.frames[depth].sleep; set; set &= set - 1) {
		unsigned t = lowest(set);

		v->absent = (struct absent){ 0 };
		if (!is_weak_initial(v, t, &engine.sleep_op[depth][t]))
			continue;
		if (!v->absent.threads)
			return true;
		one = v->absent;
	}
	/* One of them is enough. */
	v->absent = one;
	return one.threads != 0;
}

/* ---- trees -------------------------------------------------------------------------- */

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

/* Add what is left of v as a branch at *place, after what is there. */
static void append_rest(struct wakeup **place, const struct sequence *v)
{
	for (s32 e = v->first + 1; e < v->end; e++) {
		if (!is_left(v, e))
			continue;
		*place = wakeup_new(engine.events[e].thread, &engine.events[e].done);
		place = &(*place)->child;
	}
	if (last_is_left(v))
		*place = wakeup_new(engine.events[v->last].thread, &v->last_print);
}

/* Add v as a branch at *place: down the first branch that can begin it, else a new last one. */
static void wakeup_insert(struct wakeup **place, struct sequence *v)
{
	for (;;) {
		struct wakeup *node = *place;

		while (node && !is_weak_initial(v, node->thread, &node->op)) {
			place = &node->next;
			node = *place;
		}
		if (!node)
			break;
		take_first_of(v, node->thread);
		/* Whatever follows a leaf will cover the rest. */
		if (!node->child || nothing_left(v))
			return;
		place = &node->child;
	}
	append_rest(place, v);
}

/* ---- reversing ---------------------------------------------------------------------- */

static bool may_begin(const struct sequence *v, unsigned thread)
{
	s32 e = first_of(v, thread);

	return e != NO_EVENT && is_initial(v, e);
}

/*
 * Source sets: some thread that can come first in v must be tried there, or have been. At the
 * beginning of a block it may have to wait for what the block does: then whoever can go on is.
 */
static void add_source(struct frame *frame, const struct sequence *v)
{
	u32 tried = frame->backtrack | frame->sleep;
	int initial = -1;

	for (u32 set = tried; set; set &= set - 1)
		if (may_begin(v, lowest(set)))
			return;
	for (unsigned t = 0; t < engine.threads && initial < 0; t++)
		if (!(tried & bit_of(t)) && may_begin(v, t))
			initial = (int)t;
	VM_BUG_ON(initial < 0);
	if (frame->enabled & bit_of((unsigned)initial))
		frame->backtrack |= bit_of((unsigned)initial);
	else
		frame->backtrack |= frame->enabled;
}

static void reverse_by_source(s32 e, const struct sequence *v)
{
	add_source(&engine.frames[e], v);
	/* v has nothing of the thread whose block it is, and costs less from its beginning. */
	if (engine.bounded && !planted(FAULT_NO_BLOCK_START))
		add_source(&engine.frames[block_begin(e)], v);
}

static void reverse_race(struct race *race)
{
	struct sequence v;

	/* Everyone is tried there, here or by whom it was given to. */
	if (race->first < engine.expanded)
		return;
	engine.result->races++;
	sequence_begin(&v, race);
	if (engine.options->mode == EXPLORE_SOURCE || engine.bounded)
		reverse_by_source(race->first, &v);
	else if (!somebody_sleeps(&v, race->first))
		wakeup_insert(&engine.frames[race->first].tree, &v);
	race->absent = v.absent;
}

/* The end of the execution that is new has something to do with what was made of the race. */
static bool is_affected(const struct race *race, s32 first_new)
{
	const struct absent *absent = &race->absent;

	if (likely(!absent->threads))
		return false;
	for (s32 e = first_new; e < engine.nr_events; e++) {
		const struct event *event = &engine.events[e];
		struct absent uses = { 0 };

		add_objects(&uses, &event->done);
		if (((absent->threads & bit_of(event->thread)) ||
		     (absent->written & (uses.read | uses.written)) ||
		     (absent->read & uses.written)) &&
		    !happens_before(race->first, e))
			return true;
	}
	return false;
}

void reverse_races(s32 first_new)
{
	u32 old;

	if (planted(FAULT_OLD_RACES))
		first_new = 0;
	old = engine.race_of[first_new];
	for (u32 i = 0; i < engine.nr_races; i++)
		if (i >= old || is_affected(&engine.races[i], first_new))
			reverse_race(&engine.races[i]);
}
