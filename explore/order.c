/* SPDX-License-Identifier: MIT */
/*
 * What happened before what. Each event has a vector clock: of every thread, how many of its
 * events come before or are this one. Each object knows the events that the next use of it
 * has to be ordered after.
 *
 * A race is a pair of events of different threads, ordered only because they use the same
 * object: nothing else lies between. Those are the pairs whose order may be turned round.
 *
 * Locks: taking one comes after the release before it, but a release is never the second of a
 * race, since the lock cannot be had before it. What can be turned round are two takings; they
 * race when the later one is not ordered after the earlier by anything but the lock, so its
 * clock *before* it joins the lock's is the one to compare with.
 */
#include "explore/engine.h"

/* Uses of one object that may change places without anybody noticing. */
static bool uses_commute(u8 a, u8 b)
{
	if (a > b) {
		u8 c = a;

		a = b;
		b = c;
	}
	if (a == USE_NONE)
		return true;
	if (b >= USE_RELEASE) /* only who tries or looks notices a release */
		return a == USE_ACQUIRE || a == USE_ACQUIRE_SHARED || a >= USE_RELEASE;
	return (a == USE_READ && b == USE_READ) ||
	       (a == USE_ACQUIRE_SHARED && b == USE_ACQUIRE_SHARED);
}

bool footprints_depend(const struct footprint *a, const struct footprint *b)
{
	if (a->object && a->object == b->object && !uses_commute(a->use, b->use))
		return true;
	if (a->object2 && a->object2 == b->object && !uses_commute(USE_READ, b->use))
		return true;
	return b->object2 && b->object2 == a->object && !uses_commute(USE_READ, a->use);
}

/* ---- objects ---------------------------------------------------------------------------------- */

static u32 object_id(const void *address)
{
	/* Words: a wider access is named by where it begins. */
	u64 key = (u64)(uintptr_t)address >> 2;
	u32 slot = (u32)((key * 0x9e3779b97f4a7c15ull) >> 40) % ARRAY_SIZE(engine.object_of);

	if (!key)
		return 0;
	while (engine.object_of[slot]) {
		if (engine.objects[engine.object_of[slot]].key == key)
			return engine.object_of[slot];
		slot = (slot + 1) % ARRAY_SIZE(engine.object_of);
	}
	VM_BUG_ON2(engine.nr_objects + 1 >= MAX_OBJECTS, engine.nr_objects, key);
	engine.objects[++engine.nr_objects] = (struct object){
		.key = key,
		.last_write = NO_EVENT,
		.reads = NO_EVENT,
		.releases = NO_EVENT,
	};
	engine.object_of[slot] = (u16)engine.nr_objects;
	return engine.nr_objects;
}

static const u8 use_of_kind[NR_SIM_KINDS] = {
	[SIM_LOAD] = USE_READ,
	[SIM_STORE] = USE_WRITE,
	[SIM_RMW] = USE_WRITE,
	[SIM_SPIN_LOCK] = USE_ACQUIRE,
	[SIM_SPIN_TRY] = USE_TRY,
	[SIM_SPIN_UNLOCK] = USE_RELEASE,
	[SIM_MUTEX_LOCK] = USE_ACQUIRE,
	[SIM_MUTEX_TRY] = USE_TRY,
	[SIM_MUTEX_UNLOCK] = USE_RELEASE,
	[SIM_READ_LOCK] = USE_ACQUIRE_SHARED,
	[SIM_READ_TRY] = USE_TRY,
	[SIM_READ_UNLOCK] = USE_RELEASE_SHARED,
	[SIM_WRITE_LOCK] = USE_ACQUIRE,
	[SIM_WRITE_TRY] = USE_TRY,
	[SIM_WRITE_UNLOCK] = USE_RELEASE,
	[SIM_DOWNGRADE] = USE_RELEASE,
	/* The bits of one word are not told apart: other operations use the word whole. */
	[SIM_BIT_LOCK] = USE_WRITE,
	[SIM_BIT_TRY] = USE_WRITE,
	[SIM_BIT_UNLOCK] = USE_WRITE,
	[SIM_WAIT] = USE_READ,
	[SIM_WAKE] = USE_WRITE,
	[SIM_RELAX] = USE_READ,
};

struct footprint announced_footprint(const struct sim_op *op)
{
	struct footprint print = { .use = use_of_kind[op->kind] };

	if (print.use != USE_NONE)
		print.object = object_id(op->object);
	if (op->object2)
		print.object2 = object_id(op->object2);
	return print;
}

/* ---- clocks ----------------------------------------------------------------------------------- */

static void clock_join(struct clock *clock, const struct clock *other)
{
	for (unsigned i = 0; i < MAX_THREADS; i++)
		clock->at[i] = MAX(clock->at[i], other->at[i]);
}

/* Earlier uses of the object that the event has to come after. */
struct conflicts {
	s32 events[2 * MAX_THREADS + 2];
	unsigned nr;
};

static void conflict_add(struct conflicts *conflicts, s32 e)
{
	if (e != NO_EVENT && conflicts->nr < ARRAY_SIZE(conflicts->events))
		conflicts->events[conflicts->nr++] = e;
}

/*
 * A thread's later read of an object stands for its earlier ones, so a chain longer than the
 * table holds repeats; the newest of each thread comes first. A look at a lock does not stand
 * for having taken it: the takings are what can be turned round.
 */
static void conflict_add_reads(struct conflicts *conflicts, s32 e, u32 id)
{
	u32 looked = 0, took = 0;

	while (e != NO_EVENT) {
		const struct event *event = &engine.events[e];
		u32 *seen = event->done.use == USE_ACQUIRE_SHARED ? &took : &looked;

		if (!(*seen & BIT(event->thread)))
			conflict_add(conflicts, e);
		*seen |= (u32)BIT(event->thread);
		e = event->done.object2 == id ? event->next_read2 : event->next_read;
	}
}

static void add_race(s32 first, s32 second)
{
	VM_BUG_ON2(engine.nr_races >= MAX_RACES, engine.nr_races, second);
	engine.races[engine.nr_races++] = (struct race){ first, second };
}

/* first is a direct predecessor: nothing that the event comes after lies between. */
static bool is_direct(const struct conflicts *conflicts, s32 first, s32 second, bool lock)
{
	const struct event *a = &engine.events[first], *b = &engine.events[second];

	if (a->thread == b->thread || b->before.at[a->thread] >= a->index)
		return false;
	if (lock)
		return true;
	for (unsigned i = 0; i < conflicts->nr; i++) {
		const struct event *other = &engine.events[conflicts->events[i]];

		if (other != a && happens_before(a, other))
			return false;
	}
	return true;
}

static bool is_lock_use(u8 use)
{
	return use == USE_ACQUIRE || use == USE_ACQUIRE_SHARED;
}

/* The write side of what `use` conflicts with, and the read side. */
static void collect(struct conflicts *conflicts, const struct object *object, u32 id, u8 use)
{
	switch (use) {
	case USE_READ:
	case USE_ACQUIRE_SHARED:
		conflict_add(conflicts, object->last_write);
		break;
	case USE_WRITE:
	case USE_ACQUIRE:
	case USE_TRY:
		conflict_add(conflicts, object->last_write);
		conflict_add_reads(conflicts, object->reads, id);
		break;
	default:
		break;
	}
	if (use == USE_TRY || use == USE_READ || use == USE_WRITE)
		conflict_add(conflicts, object->releases);
}

static void join_releases(struct clock *clock, const struct object *object, u8 use)
{
	for (s32 e = object->releases; e != NO_EVENT; e = engine.events[e].next_release) {
		/* A reader comes after the writer before it, not after other readers. */
		if (use == USE_ACQUIRE || engine.events[e].done.use == USE_RELEASE)
			clock_join(clock, &engine.events[e].clock);
	}
}

static void find_races(const struct conflicts *conflicts, s32 e, bool lock)
{
	for (unsigned i = 0; i < conflicts->nr; i++) {
		s32 first = conflicts->events[i];

		if (is_direct(conflicts, first, e, lock))
			add_race(first, e);
	}
}

/* Everything but putting the event into its object: also for what is only pending. */
static void order_common(s32 e)
{
	struct event *event = &engine.events[e];
	struct conflicts conflicts = { .nr = 0 };
	s32 last = engine.thread_last[event->thread];
	const struct object *object = &engine.objects[event->done.object];
	bool lock = is_lock_use(event->done.use);

	if (last == NO_EVENT)
		memset(&event->before, 0, sizeof(event->before));
	else
		event->before = engine.events[last].clock;
	event->index = (s16)(event->before.at[event->thread] + 1);
	event->clock = event->before;

	if (event->done.object)
		collect(&conflicts, object, event->done.object, event->done.use);
	if (event->done.object2)
		collect(&conflicts, &engine.objects[event->done.object2], event->done.object2,
			USE_READ);
	find_races(&conflicts, e, lock);
	if (lock) {
		join_releases(&event->clock, object, event->done.use);
	} else {
		for (unsigned i = 0; i < conflicts.nr; i++)
			clock_join(&event->clock, &engine.events[conflicts.events[i]].clock);
		/* A try that succeeded is a taking too. */
		if (event->tried && event->done.use == USE_TRY)
			join_releases(&event->clock, object, USE_ACQUIRE);
	}
	event->clock.at[event->thread] = event->index;
}

static void object_use(s32 e)
{
	struct event *event = &engine.events[e];
	struct object *object = &engine.objects[event->done.object];

	event->prev_write = object->last_write;
	event->prev_reads = object->reads;
	event->prev_releases = object->releases;
	switch (event->done.use) {
	case USE_READ:
	case USE_ACQUIRE_SHARED:
		event->next_read = object->reads;
		object->reads = e;
		break;
	case USE_WRITE:
	case USE_ACQUIRE:
	case USE_TRY:
		object->last_write = e;
		object->reads = NO_EVENT;
		break;
	case USE_RELEASE:
		event->next_release = NO_EVENT;
		object->releases = e;
		break;
	case USE_RELEASE_SHARED:
		event->next_release = object->releases;
		object->releases = e;
		break;
	default:
		break;
	}
}

void order_event(s32 e)
{
	struct event *event = &engine.events[e];

	engine.race_of[e] = engine.nr_races;
	order_common(e);
	event->thread_last = engine.thread_last[event->thread];
	engine.thread_last[event->thread] = e;
	if (event->done.object)
		object_use(e);
	if (event->done.object2) {
		struct object *object = &engine.objects[event->done.object2];

		event->prev_reads2 = object->reads;
		event->next_read2 = object->reads;
		object->reads = e;
	}
}

void order_pending(bool any)
{
	s32 e = engine.nr_events;

	engine.race_of[e] = engine.nr_races;
	for (unsigned t = 0; any && t < engine.threads; t++) {
		const struct sim_fiber *fiber = engine.fibers[t];
		struct event *event = &engine.events[e];

		if (fiber->ended || fiber->op.kind == SIM_START)
			continue;
		*event = (struct event){
			.thread = (u8)t,
			.kind = fiber->op.kind,
			.done = announced_footprint(&fiber->op),
			.address = fiber->op.object,
			.site = fiber->op.site,
		};
		order_common(e);
		e++;
	}
}

void order_undo(s32 from)
{
	for (s32 e = engine.kept - 1; e >= from; e--) {
		const struct event *event = &engine.events[e];

		engine.thread_last[event->thread] = event->thread_last;
		if (event->done.object2)
			engine.objects[event->done.object2].reads = event->prev_reads2;
		if (event->done.object) {
			struct object *object = &engine.objects[event->done.object];

			object->last_write = event->prev_write;
			object->reads = event->prev_reads;
			object->releases = event->prev_releases;
		}
		engine.nr_races = engine.race_of[e];
	}
	if (engine.kept >= from)
		engine.kept = from;
}

void order_reset(void)
{
	engine.kept = 0;
	engine.nr_races = 0;
	engine.nr_objects = 0;
	memset(engine.object_of, 0, sizeof(engine.object_of));
	for (unsigned t = 0; t < MAX_THREADS; t++)
		engine.thread_last[t] = NO_EVENT;
}
