/* SPDX-License-Identifier: MIT */
/*
 * What happened before what. Each event has a vector clock: of every thread, how many of its
 * events come before or are this one. Each object knows the events that the next use of it
 * has to be ordered after.
 *
 * A race is a pair of events of different threads whose order may be turned round:
 *   RACING  they are ordered by the object alone and nothing else lies between
 *   TAKING  two takings of a lock; the later is not ordered after the earlier by anything but
 *           the lock, so what happened before it *without* what the lock orders is looked at
 *   a wait  for a word cannot come right before a change that it needs; but perhaps before an
 *           earlier one, where the word had another value
 */
#include "explore/engine.h"

static const clock_lanes zero_clock[MAX_THREADS / CLOCK_LANES];

const clock_lanes lane_one[CLOCK_LANES] = {
	{ 1, 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0, 0, 0, 0 }, { 0, 0, 1, 0, 0, 0, 0, 0 },
	{ 0, 0, 0, 1, 0, 0, 0, 0 }, { 0, 0, 0, 0, 1, 0, 0, 0 }, { 0, 0, 0, 0, 0, 1, 0, 0 },
	{ 0, 0, 0, 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, 0, 0, 1 },
};

/* Earlier uses of the object that the event has to come after. */
struct conflicts {
	unsigned nr;
	struct {
		s16 event;
		u8 relation;
	} of[3 * MAX_THREADS + 4];
};

const clock_lanes *clock_before(const struct event *event)
{
	return event->thread_last == NO_EVENT ? zero_clock : clock_of(event->thread_last);
}

static bool comes_before(s32 first, const clock_lanes *before)
{
	const struct event *event = &engine.events[first];

	return lane_of(before, event->thread) >= event->index;
}

/* How the two uses depend, the first being earlier. */
static u8 relation_of(u8 first, u8 second)
{
	if (planted(FAULT_READERS_DEPEND) && first == USE_ACQUIRE_SHARED && second == first)
		return TAKING;
	return relations[first][second];
}

static void conflict_add(struct conflicts *conflicts, s32 e, u8 relation)
{
	if (relation == UNRELATED || conflicts->nr == ARRAY_SIZE(conflicts->of))
		return;
	conflicts->of[conflicts->nr].event = (s16)e;
	conflicts->of[conflicts->nr].relation = relation;
	conflicts->nr++;
}

/*
 * The newest of each thread stands for those before it, but a look at a lock does not stand for
 * having taken it: the takings are what can be turned round.
 */
static void add_reads(struct conflicts *conflicts, const struct object *object, u32 id, u8 use)
{
	u32 looked = 0, took = 0;

	for (s32 e = object->reads; e != NO_EVENT;) {
		const struct event *event = &engine.events[e];
		bool second = event->done.object2 == id;
		u8 did = second ? USE_READ : event->done.use;
		u32 *seen = did == USE_READ ? &looked : &took;

		if (!(*seen & bit_of(event->thread)))
			conflict_add(conflicts, e, relation_of(did, use));
		*seen |= bit_of(event->thread);
		e = second ? event->next_read2 : event->next_read;
	}
}

static void collect(struct conflicts *conflicts, u32 id, u8 use)
{
	const struct object *object = &engine.objects[id];

	if (object->last_write != NO_EVENT)
		conflict_add(conflicts, object->last_write,
			     relation_of(engine.events[object->last_write].done.use, use));
	if (use != USE_READ || object->lock)
		add_reads(conflicts, object, id, use);
	for (s32 e = object->releases; e != NO_EVENT; e = engine.events[e].next_release)
		conflict_add(conflicts, e, relation_of(engine.events[e].done.use, use));
}

static void add_race(s32 first, s32 second)
{
	if (!engine.collects)
		return;
	if (engine.nr_races >= explore_race_limit) {
		engine.end = END_TOO_LONG;
		return;
	}
	engine.races[engine.nr_races++] =
		(struct race){ .first = (s16)first, .second = (s16)second };
}

/* ---- what cannot be turned round ---------------------------------------------------- */

static bool changes(const struct event *event, u32 id)
{
	return event->done.object == id && event->done.use != USE_READ &&
	       event->done.use != USE_NONE;
}

/*
 * The last place where the waiting event could have come: before which change of its word. Goes
 * on to earlier ones as long as the event is not ordered after them anyway.
 */
static void add_wait_race(s32 e, s32 end, const clock_lanes *before)
{
	const struct event *event = &engine.events[e];

	for (s32 first = end - 1; first >= 0; first--) {
		const struct event *change = &engine.events[first];

		if (!changes(change, event->done.object))
			continue;
		if (comes_before(first, before))
			return;
		if (engine.pends)
			add_race(first, e);
		if (could_go_on_before(event, change)) {
			add_race(first, e);
			return;
		}
		if (planted(FAULT_UNASKED_WAITS))
			return;
	}
}

/* The thread has taken the lock and not released it, in what does not come after `first`. */
static bool still_holds(const struct object *object, unsigned thread, s32 taken, s32 first)
{
	for (s32 r = object->releases; r != NO_EVENT; r = engine.events[r].next_release) {
		const struct event *release = &engine.events[r];

		if (release->thread == thread && r > taken && release->kind != SIM_DOWNGRADE &&
		    !happens_before(first, r))
			return false;
	}
	return true;
}

/*
 * A writer cannot come before a reader `first` while other readers are in who leave only after
 * that one. (Before those it can come: that is another race.)
 */
static bool others_hold(const struct event *event, s32 first)
{
	const struct object *object = &engine.objects[event->done.object];

	for (s32 e = object->reads; e != NO_EVENT; e = engine.events[e].next_read) {
		const struct event *other = &engine.events[e];

		if (other->done.object != event->done.object || other->done.use == USE_READ)
			continue;
		if (e != first && other->thread != event->thread && !happens_before(first, e) &&
		    still_holds(object, other->thread, e, first))
			return true;
	}
	/* One that took it for itself and downgraded is a reader now. */
	if (object->last_write != NO_EVENT && object->last_write < first) {
		const struct event *other = &engine.events[object->last_write];

		if (other->done.use >= USE_ACQUIRE && other->thread != event->thread &&
		    still_holds(object, other->thread, object->last_write, first))
			return true;
	}
	return false;
}

/* ---- clocks ------------------------------------------------------------------------- */

/*
 * direct: what happened before the event, were it not for the last step from each conflict. A
 * conflict that is in there has another one between.
 */
static void find_races(const struct conflicts *conflicts, s32 e, const clock_lanes *before,
		       const clock_lanes *direct, bool stuck)
{
	const struct event *event = &engine.events[e];
	bool taking = event->announced == USE_ACQUIRE || event->announced == USE_ACQUIRE_SHARED;

	for (unsigned i = 0; i < conflicts->nr; i++) {
		s32 first = conflicts->of[i].event;
		u8 relation = conflicts->of[i].relation;
		const struct event *other = &engine.events[first];

		if (other->thread == event->thread || comes_before(first, before))
			continue;
		if (relation == ORDERED) {
			/* What comes before it in its thread might have been left off there. */
			if (engine.pends)
				add_race(first, e);
		} else if (relation == TAKING) {
			if (planted(FAULT_LOCK_CLOCK) && comes_before(first, direct))
				continue;
			if (event->done.use != USE_ACQUIRE ||
			    (other->done.use != USE_ACQUIRE_SHARED &&
			     other->done.use != USE_TRY_SHARED) ||
			    !others_hold(event, first))
				add_race(first, e);
		} else if (lane_of(direct, other->thread) < other->index && !(stuck && taking)) {
			add_race(first, e);
		}
	}
}

/* Conflicts of a wait: reads are as good as anywhere else, changes are looked at one by one. */
static void find_wait_races(const struct conflicts *conflicts, s32 e, const clock_lanes *before,
			    const clock_lanes *direct, bool stuck)
{
	const struct event *event = &engine.events[e];

	for (unsigned i = 0; i < conflicts->nr; i++) {
		s32 first = conflicts->of[i].event;
		const struct event *other = &engine.events[first];

		if (other->thread == event->thread || comes_before(first, before) ||
		    changes(other, event->done.object))
			continue;
		if (!stuck && lane_of(direct, other->thread) < other->index)
			add_race(first, e);
	}
	add_wait_race(e, MIN(e, engine.nr_events), before);
}

/* The clock and the races of an event that is in no object yet. */
static void order_common(s32 e, bool stuck)
{
	struct event *event = &engine.events[e];
	clock_lanes *clock = clock_of(e);
	const clock_lanes *before;
	struct conflicts conflicts;

	conflicts.nr = 0;
	event->thread_last = (s16)engine.thread_last[event->thread];
	before = clock_before(event);
	event->index = (s16)(lane_of(before, event->thread) + 1);
	clock_copy(clock, before);
	if (event->done.object)
		collect(&conflicts, event->done.object, event->done.use);
	if (unlikely(event->done.object2))
		collect(&conflicts, event->done.object2, USE_READ);
	for (unsigned i = 0; i < conflicts.nr; i++) {
		s32 first = conflicts.of[i].event;

		if (conflicts.of[i].relation != TAKING)
			clock_join_but_last(clock, clock_of(first), engine.events[first].thread);
	}
	if (unlikely(waits_for_word(event->kind)))
		find_wait_races(&conflicts, e, before, clock, stuck);
	else
		find_races(&conflicts, e, before, clock, stuck);
	for (unsigned i = 0; i < conflicts.nr; i++)
		if (conflicts.of[i].relation != TAKING)
			clock_join(clock, clock_of(conflicts.of[i].event));
	if (event->kind == SIM_JOIN && event->arg < engine.threads &&
	    engine.thread_last[event->arg] != NO_EVENT)
		clock_join(clock, clock_of(engine.thread_last[event->arg]));
	count_up(clock, event->thread);
}

/* ---- objects ------------------------------------------------------------------------ */

static void object_use(s32 e)
{
	struct event *event = &engine.events[e];
	struct object *object = &engine.objects[event->done.object];

	event->prev_write = (s16)object->last_write;
	event->prev_reads = (s16)object->reads;
	event->prev_releases = (s16)object->releases;
	switch (event->done.use) {
	case USE_READ:
	case USE_ACQUIRE_SHARED:
	case USE_TRY_SHARED:
		event->next_read = (s16)object->reads;
		object->reads = e;
		break;
	case USE_WRITE:
	case USE_ACQUIRE:
	case USE_TRY:
		object->last_write = e;
		object->reads = NO_EVENT;
		object->releases = NO_EVENT;
		break;
	case USE_RELEASE:
	case USE_RELEASE_SHARED:
		event->next_release = (s16)object->releases;
		object->releases = e;
		break;
	default:
		break;
	}
}

void order_event(s32 e)
{
	struct event *event = &engine.events[e];
	unsigned thread = event->thread;
	clock_lanes *counts = counts_at(e + 1);

	engine.race_of[e] = engine.nr_races;
	order_common(e, false);
	engine.thread_last[thread] = e;
	engine.event_of[thread][event->index] = (s16)e;
	clock_copy(counts, counts_at(e));
	count_up(counts, thread);
	if (event->done.object)
		object_use(e);
	if (unlikely(event->done.object2)) {
		struct object *object = &engine.objects[event->done.object2];

		event->prev_reads2 = (s16)object->reads;
		event->next_read2 = (s16)object->reads;
		object->reads = e;
	}
	engine.kept = e + 1;
}

void order_pending(s32 e, unsigned thread)
{
	const struct sim_fiber *fiber = engine.fibers[thread];
	struct event *event = &engine.events[e];

	event->done = announced_footprint(&fiber->op);
	event->announced = event->done.use;
	event->thread = (u8)thread;
	event->kind = fiber->op.kind;
	event->size = fiber->op.size;
	event->address = fiber->op.object;
	event->arg = fiber->op.arg;
	order_common(e, !sim_enabled(fiber));
}

unsigned order_stuck(void)
{
	s32 e = engine.nr_events;

	engine.race_of[e] = engine.nr_races;
	for (unsigned t = 0; t < engine.threads; t++)
		if (!engine.fibers[t]->ended && !sim_enabled(engine.fibers[t]))
			order_pending(e++, t);
	return (unsigned)(e - engine.nr_events);
}

void order_undo(s32 e)
{
	const struct event *event = &engine.events[e];

	if (engine.kept <= e)
		return;
	VM_BUG_ON2(engine.kept != e + 1, engine.kept, e);
	engine.thread_last[event->thread] = event->thread_last;
	if (unlikely(event->done.object2))
		engine.objects[event->done.object2].reads = event->prev_reads2;
	if (event->done.object) {
		struct object *object = &engine.objects[event->done.object];

		object->last_write = event->prev_write;
		object->reads = event->prev_reads;
		object->releases = event->prev_releases;
	}
	engine.nr_races = engine.race_of[e];
	engine.kept = e;
}

void order_reset(void)
{
	engine.kept = 0;
	engine.nr_races = 0;
	engine.lanes = (engine.threads + CLOCK_LANES - 1) / CLOCK_LANES;
	memset(counts_at(0), 0, engine.lanes * sizeof(clock_lanes));
	for (unsigned t = 0; t < MAX_THREADS; t++)
		engine.thread_last[t] = NO_EVENT;
}

static u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

/* A sum over events, so that the order of independent ones does not matter. */
u64 order_hash(void)
{
	u64 sum = 0;

	for (s32 e = 0; e < engine.nr_events; e++) {
		const struct event *event = &engine.events[e];
		u64 hash = mix(event->thread, (u64)event->kind << 32 | event->done.use);

		for (unsigned t = 0; t < engine.threads; t++)
			hash = mix(hash, (u64)lane_of(clock_of(e), t));
		sum += hash;
	}
	return sum ? sum : 1;
}
