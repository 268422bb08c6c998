/* SPDX-License-Identifier: MIT */
/*
 * How much of the tree has been walked, and so how many executions a search will take in all.
 *
 * Each frame on the current path divides what is left of its parent's share by its branches:
 * Knuth's estimator, of one path. Its weakness here is that the tree is made up on the way: the
 * branches of a frame are known when all below its first branch has been searched, and until
 * then it seems to have one. So for frames that were not gone back to yet they are foreseen:
 *
 *      frame d, event e_d of thread p ...... e' of thread q, the first of q that e_d races with
 *              └─ a branch for q, unless q sleeps at d or something keeps e' behind e_d:
 *                 a lock that both hold, a wait, the end of a thread
 *
 * That is mostly too much, and what is known too little: their geometric mean is taken. From one
 * part in a hundred of the search on it is within a factor of eight of the truth on the programs
 * that are measured (traps_test.c), but for one whose threads that sleep hide what they will do
 * (readers: 50 times too little then). Both errors wear off as the search goes back to frames
 * nearer the start, where whole subtrees stand for what was foreseen.
 */
#include "explore/engine.h"

#include <math.h>

/* What cannot be otherwise: of each thread, how many of its events come before, always. */
static clock_lanes must[MAX_EVENTS * (MAX_THREADS / CLOCK_LANES)];
/* The next event that uses the same object, as its first or its second. */
static s16 next_use[MAX_EVENTS];
static s16 newest_of[MAX_OBJECTS];

static clock_lanes *must_of(s32 e)
{
	return &must[(unsigned)e * engine.lanes];
}

static void must_join(s32 e, s32 first)
{
	clock_join(must_of(e), must_of(first));
}

/* What takes a lock comes after those who left it, what waits for a word after its change. */
static void must_of_object(s32 e)
{
	const struct event *event = &engine.events[e];
	bool waits = waits_for_word(event->kind);

	for (s32 first = e - 1; first >= 0; first--) {
		const struct event *other = &engine.events[first];

		if (other->done.object != event->done.object)
			continue;
		if (waits && other->done.use != USE_READ) {
			must_join(e, first);
			return;
		}
		if (relations[other->done.use][event->done.use] == ORDERED)
			must_join(e, first);
		if (other->done.use == USE_ACQUIRE || other->done.use == USE_TRY)
			return;
	}
}

static void find_must(void)
{
	s32 last[MAX_THREADS];

	for (unsigned t = 0; t < engine.threads; t++)
		last[t] = NO_EVENT;
	for (s32 e = 0; e < engine.nr_events; e++) {
		const struct event *event = &engine.events[e];

		if (last[event->thread] == NO_EVENT)
			memset(must_of(e), 0, engine.lanes * sizeof(clock_lanes));
		else
			clock_copy(must_of(e), must_of(last[event->thread]));
		if (event->done.object &&
		    (event->done.use >= USE_ACQUIRE || waits_for_word(event->kind)))
			must_of_object(e);
		if (event->kind == SIM_JOIN && event->arg < engine.threads &&
		    last[event->arg] != NO_EVENT)
			must_join(e, last[event->arg]);
		count_up(must_of(e), event->thread);
		last[event->thread] = e;
	}
}

/* Whether the two may come in either order, as far as can be seen from here. */
static bool may_race(s32 first, s32 second)
{
	const struct event *a = &engine.events[first], *b = &engine.events[second];
	u8 relation = relations[a->done.use][b->done.use];

	if (relation != RACING && relation != TAKING)
		return false;
	return lane_of(must_of(second), a->thread) < a->index;
}

/* The threads that will be tried at frame d because of what its event races with. */
static u32 foreseen(s32 d)
{
	const struct frame *frame = &engine.frames[d];
	u32 wanted = frame->enabled & ~frame->sleep & ~bit_of(frame->chosen), found = 0;

	for (s32 e = next_use[d]; e != NO_EVENT && (wanted & ~found); e = next_use[e])
		if ((wanted & ~found & bit_of(engine.events[e].thread)) && may_race(d, e))
			found |= bit_of(engine.events[e].thread);
	return found;
}

static void chain_uses(void)
{
	for (u32 id = 0; id <= engine.nr_objects; id++)
		newest_of[id] = NO_EVENT;
	for (s32 e = engine.nr_events - 1; e >= 0; e--) {
		u32 id = engine.events[e].done.object;

		next_use[e] = id ? newest_of[id] : NO_EVENT;
		newest_of[id] = (s16)e;
	}
}

/* Branches of a frame, with the one it is in: those known, and perhaps those foreseen. */
static unsigned branches_of(s32 d, bool foresee)
{
	const struct frame *frame = &engine.frames[d];
	unsigned tried = count_of(frame->done & ~bit_of(frame->chosen)), left = 0;

	if (engine.options->mode != EXPLORE_OPTIMAL || engine.bounded)
		left = count_of(frame->backtrack & frame->enabled & ~frame->done & ~frame->sleep &
				~bit_of(frame->chosen));
	for (const struct wakeup *node = frame->tree; node; node = node->next)
		left++;
	if (foresee && !tried)
		left = MAX(left, count_of(foreseen(d)));
	return tried + 1 + left;
}

static double share_of_path(bool foresee)
{
	double share = 0, weight = 1;

	for (s32 d = 0; d < engine.nr_events; d++) {
		const struct frame *frame = &engine.frames[d];
		unsigned tried = count_of(frame->done & ~bit_of(frame->chosen));
		unsigned branches = branches_of(d, foresee);

		share += weight * tried / branches;
		weight /= branches;
	}
	return share + weight;
}

double explored_share(void)
{
	double known = share_of_path(false);

	if (engine.options->mode != EXPLORE_SOURCE && engine.options->mode != EXPLORE_OPTIMAL)
		return known;
	chain_uses();
	find_must();
	return sqrt(known * share_of_path(true));
}
