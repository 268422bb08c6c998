/* SPDX-License-Identifier: MIT */
/*
 * Which graphs a memory model lets be. Relations between events are bit matrices; a model is a
 * few of them that must not run in a circle.
 *
 * All: the events of one word, in the order of their threads and of who reads and overwrites
 * whom (coherence); an update writes right after what it read.
 *
 *   sc    the same for all words together
 *   tso   the same, but for a store before a load of its thread, and for a load that takes its
 *         value from its own thread
 *
 * weak is built of what a barrier does. It keeps order in its own thread (preserved); and it
 * makes what comes before it reach every other thread before what comes after it does
 * (cumulative). A chain of such, begun by the overwriting of a value, ended by the reading of
 * one, says that its first event is over before its last (propagated): in one thread that is
 * an order like any other, and across a full barrier it is an order for everybody.
 */
#include "explore/weak_internal.h"

#include <string.h>

#define WORDS (WEAK_MAX_EVENTS / 64)

struct relation {
	u64 row[WEAK_MAX_EVENTS][WORDS];
};

/* Of the graph at hand. */
static struct {
	const struct weak_graph *graph;
	unsigned nr, words;
	u16 mbs[WEAK_MAX_EVENTS], rmbs[WEAK_MAX_EVENTS], wmbs[WEAK_MAX_EVENTS];
	/* The release of a lock before the last taking of one before the event. */
	s16 released[WEAK_MAX_EVENTS];
} at;

static struct relation coherence, global, overwrite, read_outside, preserved, strong, cumulative;
static struct relation propagated, before, fulls, scratch;

/* ---- relations ---- */

static void clear(struct relation *r)
{
	for (unsigned i = 0; i < at.nr; i++)
		for (unsigned w = 0; w < at.words; w++)
			r->row[i][w] = 0;
}

static void copy(struct relation *r, const struct relation *other)
{
	for (unsigned i = 0; i < at.nr; i++)
		for (unsigned w = 0; w < at.words; w++)
			r->row[i][w] = other->row[i][w];
}

static inline void relate(struct relation *r, unsigned a, unsigned b)
{
	r->row[a][b / 64] |= BIT(b % 64);
}

static inline bool related(const struct relation *r, unsigned a, unsigned b)
{
	return r->row[a][b / 64] & BIT(b % 64);
}

static inline void join_row(u64 *row, const u64 *other)
{
	for (unsigned w = 0; w < at.words; w++)
		row[w] |= other[w];
}

static void join(struct relation *r, const struct relation *other)
{
	for (unsigned i = 0; i < at.nr; i++)
		join_row(r->row[i], other->row[i]);
}

/* r = a ; b */
static void compose(struct relation *r, const struct relation *a, const struct relation *b)
{
	clear(r);
	for (unsigned i = 0; i < at.nr; i++)
		for (unsigned w = 0; w < at.words; w++)
			for (u64 set = a->row[i][w]; set; set &= set - 1)
				join_row(r->row[i],
					 b->row[w * 64 + (unsigned)__builtin_ctzll(set)]);
}

/* r = r | r ; other */
static void maybe_then(struct relation *r, const struct relation *other)
{
	compose(&scratch, r, other);
	join(r, &scratch);
}

static void close_over(struct relation *r)
{
	for (unsigned k = 0; k < at.nr; k++)
		for (unsigned i = 0; i < at.nr; i++)
			if (related(r, i, k))
				join_row(r->row[i], r->row[k]);
}

/* Closes it. */
static bool is_acyclic(struct relation *r)
{
	close_over(r);
	for (unsigned i = 0; i < at.nr; i++)
		if (related(r, i, i))
			return false;
	return true;
}

/* ---- the graph ---- */

static inline const struct weak_event *event(unsigned e)
{
	return &at.graph->events[e];
}

static unsigned place_read(const struct weak_event *read)
{
	return read->from == WEAK_INITIAL ? 0 : at.graph->events[read->from].place;
}

static bool writes_over(const struct weak_event *a, const struct weak_event *b)
{
	if (b->type != WEAK_WRITE || a->type == WEAK_BARRIER || a->location != b->location)
		return false;
	return (a->type == WEAK_WRITE ? a->place : place_read(a)) < b->place;
}

static bool is_lock(const struct weak_event *ev)
{
	return ev->type == WEAK_READ && (ev->kind == SIM_SPIN_LOCK || ev->kind == SIM_MUTEX_LOCK);
}

static bool is_unlock(const struct weak_event *ev)
{
	return ev->kind == SIM_SPIN_UNLOCK || ev->kind == SIM_MUTEX_UNLOCK;
}

/* How many barriers of each sort come before each event in its thread. */
static void count_barriers(void)
{
	u16 mbs[EXPLORE_MAX_THREADS] = { 0 }, rmbs[EXPLORE_MAX_THREADS] = { 0 };
	u16 wmbs[EXPLORE_MAX_THREADS] = { 0 };
	s16 release[EXPLORE_MAX_THREADS], taken_after[EXPLORE_MAX_THREADS];

	memset(release, 0xff, sizeof(release));
	memset(taken_after, 0xff, sizeof(taken_after));
	for (unsigned e = 0; e < at.nr; e++) {
		const struct weak_event *ev = event(e);
		unsigned t = ev->thread;

		mbs[t] += !!(ev->flags & WEAK_MB_BEFORE);
		at.mbs[e] = mbs[t];
		at.rmbs[e] = rmbs[t];
		at.wmbs[e] = wmbs[t];
		mbs[t] += !!(ev->flags & WEAK_MB_AFTER);
		rmbs[t] += !!(ev->flags & WEAK_RMB);
		wmbs[t] += !!(ev->flags & WEAK_WMB);
		at.released[e] = taken_after[t];
		if (is_lock(ev))
			taken_after[t] = release[t];
		else if (is_unlock(ev))
			release[t] = (s16)e;
	}
}

static bool is_atomic(void)
{
	for (unsigned e = 1; e < at.nr; e++) {
		const struct weak_event *write = event(e);
		unsigned r = e - 1;

		if (!(write->flags & WEAK_EXCLUSIVE))
			continue;
		while (event(r)->thread != write->thread)
			r--;
		if (place_read(event(r)) + 1 != write->place)
			return false;
	}
	return true;
}

static void relate_words(void)
{
	clear(&coherence);
	clear(&overwrite);
	clear(&read_outside);
	for (unsigned a = 0; a < at.nr; a++) {
		const struct weak_event *x = event(a);

		if (x->type == WEAK_READ && x->from != WEAK_INITIAL) {
			relate(&coherence, (unsigned)x->from, a);
			if (event((unsigned)x->from)->thread != x->thread)
				relate(&read_outside, (unsigned)x->from, a);
		}
		for (unsigned b = 0; b < at.nr; b++) {
			const struct weak_event *y = event(b);

			if (x->type == WEAK_BARRIER || y->type == WEAK_BARRIER ||
			    x->location != y->location || a == b)
				continue;
			if (x->thread == y->thread && a < b)
				relate(&coherence, a, b);
			if (!writes_over(x, y))
				continue;
			relate(&coherence, a, b);
			relate(&overwrite, a, b);
		}
	}
}

/* Calls fn for each pair of accesses of one thread. */
static void each_in_thread(void (*fn)(unsigned a, unsigned b))
{
	for (unsigned a = 0; a < at.nr; a++) {
		if (event(a)->type == WEAK_BARRIER)
			continue;
		for (unsigned b = a + 1; b < at.nr; b++)
			if (event(b)->thread == event(a)->thread && event(b)->type != WEAK_BARRIER)
				fn(a, b);
	}
}

/* ---- sc and tso ---- */

static void order_sc(unsigned a, unsigned b)
{
	relate(&global, a, b);
}

static void order_tso(unsigned a, unsigned b)
{
	bool passes = event(a)->type == WEAK_WRITE && event(b)->type == WEAK_READ;

	/* Every update locks the bus. */
	if (!passes || at.mbs[a] != at.mbs[b] || (event(a)->flags & WEAK_EXCLUSIVE) ||
	    (event(b)->flags & WEAK_UPDATE))
		relate(&global, a, b);
}

static bool is_consistent_sc(void)
{
	copy(&global, &coherence);
	each_in_thread(order_sc);
	return is_acyclic(&global);
}

static bool is_consistent_tso(void)
{
	clear(&global);
	each_in_thread(order_tso);
	join(&global, &overwrite);
	join(&global, &read_outside);
	return is_acyclic(&global);
}

/* ---- weak ---- */

static void order_weak(unsigned a, unsigned b)
{
	const struct weak_event *x = event(a), *y = event(b);
	bool full = at.mbs[a] != at.mbs[b];
	bool release = y->flags & WEAK_RELEASE;
	bool writes = x->type == WEAK_WRITE && y->type == WEAK_WRITE && at.wmbs[a] != at.wmbs[b];
	bool reads = x->type == WEAK_READ && y->type == WEAK_READ && at.rmbs[a] != at.rmbs[b];
	bool relocks = (s16)a < at.released[b];

	if (full)
		relate(&strong, a, b);
	if (full || release)
		relate(&fulls, a, b);
	if (writes || relocks)
		relate(&cumulative, a, b);
	if (relocks || writes_over(x, y) || full || release || writes || reads ||
	    (x->flags & WEAK_ACQUIRE) || (x->type == WEAK_READ && y->type == WEAK_WRITE) ||
	    y->depends == (s16)a)
		relate(&preserved, a, b);
}

/* What comes before the release of a lock, and what comes after its next taking elsewhere. */
static void hand_over_locks(void)
{
	for (unsigned l = 0; l < at.nr; l++) {
		const struct weak_event *lock = event(l);
		unsigned u = (unsigned)lock->from;

		if (!is_lock(lock) || lock->from == WEAK_INITIAL || !is_unlock(event(u)))
			continue;
		for (unsigned a = 0; a < at.nr; a++)
			for (unsigned b = l + 1; a < u && b < at.nr; b++)
				if (event(a)->thread == event(u)->thread &&
				    event(b)->thread == lock->thread &&
				    event(a)->type != WEAK_BARRIER &&
				    event(b)->type != WEAK_BARRIER)
					relate(&cumulative, a, b);
	}
}

/* A value that updates have passed on is still that of the write they began with. */
static void pass_on(struct relation *r)
{
	static struct relation handed;

	clear(&handed);
	for (unsigned e = 0; e < at.nr; e++) {
		unsigned read = e;

		if (!(event(e)->flags & WEAK_EXCLUSIVE))
			continue;
		while (event(--read)->thread != event(e)->thread)
			;
		if (event(read)->from != WEAK_INITIAL)
			relate(&handed, (unsigned)event(read)->from, e);
	}
	close_over(&handed);
	maybe_then(r, &handed);
}

/* Overwritten elsewhere, or the event itself; then any number of cumulative steps; then read. */
static void propagate(void)
{
	close_over(&cumulative);
	clear(&propagated);
	for (unsigned a = 0; a < at.nr; a++) {
		relate(&propagated, a, a);
		for (unsigned b = 0; b < at.nr; b++)
			if (event(a)->thread != event(b)->thread && related(&overwrite, a, b))
				relate(&propagated, a, b);
	}
	maybe_then(&propagated, &cumulative);
	maybe_then(&propagated, &read_outside);
}

static bool is_consistent_weak(void)
{
	clear(&preserved);
	clear(&strong);
	clear(&fulls);
	clear(&cumulative);
	each_in_thread(order_weak);
	hand_over_locks();

	/* What a thread has read comes before its release and its full barrier for all. */
	join(&cumulative, &fulls);
	compose(&scratch, &read_outside, &fulls);
	join(&cumulative, &scratch);
	pass_on(&cumulative);
	propagate();

	copy(&before, &preserved);
	join(&before, &read_outside);
	for (unsigned a = 0; a < at.nr; a++)
		for (unsigned b = 0; b < at.nr; b++)
			if (a != b && event(a)->thread == event(b)->thread &&
			    related(&propagated, a, b))
				relate(&before, a, b);
	if (!is_acyclic(&before))
		return false;

	compose(&fulls, &propagated, &strong);
	maybe_then(&fulls, &before);
	return is_acyclic(&fulls);
}

bool weak_consistent(const struct weak_graph *graph, enum weak_memory memory)
{
	at.graph = graph;
	at.nr = graph->nr;
	at.words = (graph->nr + 63) / 64;
	count_barriers();
	if (!is_atomic())
		return false;
	relate_words();
	if (!is_acyclic(&coherence))
		return false;
	switch (memory) {
	case WEAK_SC:
		return is_consistent_sc();
	case WEAK_TSO:
		return is_consistent_tso();
	default:
		return is_consistent_weak();
	}
}
