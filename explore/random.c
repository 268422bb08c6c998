/* SPDX-License-Identifier: MIT */
/*
 * Modes that draw each execution anew.
 *
 *   random  any enabled thread, uniformly
 *   POS     each pending operation has a priority; whoever depends on the operation that has
 *           just been carried out draws a new one, so that every order of a set of racing
 *           operations is about equally likely
 *   PCT     each thread has a priority; at pct_depth - 1 random places the running one drops
 *           below all others. A bug of that depth is hit with a probability that is known.
 *   URW     a thread is drawn in proportion to the events it has left, as learned from earlier
 *           executions that came to their end: each interleaving is about equally likely. While
 *           somebody can go on of whom nothing has been learned, as random.
 *   replay  a given schedule; where it asks for who cannot go on, the current one does
 */
#include "explore/engine.h"

#define MAX_PCT_DEPTH 16

static struct {
	u64 priority[MAX_THREADS];
	u16 counted[MAX_THREADS]; /* events so far in this execution */
	u16 learned[MAX_THREADS]; /* most seen in one execution that came to its end */
	s32 change_at[MAX_PCT_DEPTH];
	unsigned pct_depth;
	int preemptions;
	u32 known; /* whose pending footprint is at hand */
	struct footprint pending[MAX_THREADS];
} rnd;

static u64 draw(void)
{
	/* Above all priorities that PCT hands out for changes. */
	return prng_next(&engine.rng) | BIT(63);
}

static void begin_execution(void)
{
	u64 length = MAX(engine.result->longest, 1ull);

	rnd.known = 0;
	for (unsigned t = 0; t < engine.threads; t++) {
		rnd.priority[t] = draw();
		if (engine.end == END_COMPLETE)
			rnd.learned[t] = MAX(rnd.learned[t], rnd.counted[t]);
		rnd.counted[t] = 0;
	}
	for (unsigned i = 0; i + 1 < rnd.pct_depth; i++)
		rnd.change_at[i] = (s32)prng_below(&engine.rng, length);
}

void random_begin(void)
{
	unsigned depth = engine.options->pct_depth ? engine.options->pct_depth : 3;

	memset(&rnd, 0, sizeof(rnd));
	rnd.pct_depth = MIN(depth, MAX_PCT_DEPTH);
	prng_seed(&engine.rng, engine.options->seed);
	begin_execution();
}

static unsigned nth_of(u32 set, u64 n)
{
	while (n--)
		set &= set - 1;
	return lowest(set);
}

static unsigned highest_priority(u32 enabled)
{
	unsigned best = lowest(enabled);

	for (u32 set = enabled; set; set &= set - 1)
		if (rnd.priority[lowest(set)] > rnd.priority[best])
			best = lowest(set);
	return best;
}

static unsigned pick_pct(u32 enabled)
{
	for (unsigned i = 0; i + 1 < rnd.pct_depth; i++)
		if (rnd.change_at[i] == engine.nr_events)
			rnd.priority[highest_priority(enabled)] = i;
	return highest_priority(enabled);
}

static u64 events_left(unsigned thread)
{
	return rnd.learned[thread] > rnd.counted[thread] ?
		       (u64)(rnd.learned[thread] - rnd.counted[thread]) :
		       1;
}

static unsigned pick_urw(u32 enabled)
{
	u64 sum = 0, at;
	u32 set;

	for (set = enabled; set; set &= set - 1) {
		if (!rnd.learned[lowest(set)])
			return nth_of(enabled, prng_below(&engine.rng, count_of(enabled)));
		sum += events_left(lowest(set));
	}
	at = prng_below(&engine.rng, sum);
	for (set = enabled; at >= events_left(lowest(set)); set &= set - 1)
		at -= events_left(lowest(set));
	return lowest(set);
}

static unsigned pick_replay(u32 enabled)
{
	const struct explore_options *options = engine.options;
	s32 depth = engine.nr_events;
	unsigned wanted = depth ? engine.frames[depth - 1].chosen : 0;

	if ((unsigned)depth < options->schedule_len)
		wanted = explore_step_thread(options->schedule[depth]);
	if (wanted < MAX_THREADS && (enabled & bit_of(wanted)))
		return wanted;
	wanted = depth ? engine.frames[depth - 1].chosen : 0;
	return enabled & bit_of(wanted) ? wanted : lowest(enabled);
}

/* Once there have been all the preemptions that may be, who can go on does. */
static u32 within_bound(s32 depth, u32 enabled)
{
	unsigned last;

	if (depth == 0) {
		rnd.preemptions = 0;
		return enabled;
	}
	last = engine.frames[depth - 1].chosen;
	return rnd.preemptions >= engine.options->max_preemptions && (enabled & bit_of(last)) ?
		       bit_of(last) :
		       enabled;
}

static unsigned pick(u32 enabled)
{
	switch (engine.options->mode) {
	case EXPLORE_POS:
		return highest_priority(enabled);
	case EXPLORE_PCT:
		return pick_pct(enabled);
	case EXPLORE_URW:
		return pick_urw(enabled);
	case EXPLORE_REPLAY:
		return pick_replay(enabled);
	default:
		return nth_of(enabled, prng_below(&engine.rng, count_of(enabled)));
	}
}

unsigned random_pick(s32 depth, u32 enabled)
{
	unsigned last, thread;

	if (likely(engine.options->max_preemptions < 0))
		return pick(enabled);
	thread = pick(within_bound(depth, enabled));
	last = depth ? engine.frames[depth - 1].chosen : thread;
	rnd.preemptions += thread != last && (enabled & bit_of(last));
	return thread;
}

unsigned random_age(u32 ages)
{
	const struct explore_options *options = engine.options;
	unsigned e = (unsigned)engine.nr_events - 1;

	if (options->mode != EXPLORE_REPLAY)
		return nth_of(ages, prng_below(&engine.rng, count_of(ages)));
	if (e >= options->schedule_len || !(ages & BIT(explore_step_age(options->schedule[e]))))
		return 0;
	return explore_step_age(options->schedule[e]);
}

struct footprint random_pending(unsigned thread)
{
	if (engine.options->mode != EXPLORE_POS || !(rnd.known & bit_of(thread)))
		return announced_footprint(&engine.fibers[thread]->op);
	return rnd.pending[thread];
}

void random_event(s32 e)
{
	const struct event *event = &engine.events[e];

	rnd.counted[event->thread]++;
	if (engine.options->mode != EXPLORE_POS)
		return;
	rnd.known &= ~bit_of(event->thread);
	for (unsigned t = 0; t < engine.threads; t++) {
		if (engine.fibers[t]->ended)
			continue;
		rnd.pending[t] = random_pending(t);
		rnd.known |= bit_of(t);
		if (t == event->thread || footprints_depend(&event->done, &rnd.pending[t]))
			rnd.priority[t] = draw();
	}
}

bool random_more(void)
{
	begin_execution();
	return engine.options->mode != EXPLORE_REPLAY;
}
