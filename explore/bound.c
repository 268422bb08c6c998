/* SPDX-License-Identifier: MIT */
/*
 * A search bounded by preemptions: places where a thread is left that could have gone on. Few of
 * them are enough for most failures.
 *
 * Leaving a race to be turned round at its first event alone would lose executions: going on
 * with the other thread there may cost a preemption that the bound forbids, where switching
 * earlier, at the beginning of the block of events that one thread does in a row, costs none.
 * So each race is also a reason to try the other thread there.
 *
 *      block of p            p p [p] p        races with what q stands before
 *                            ▲    ▲
 *                  also here ┘    └ q is to be tried here
 *
 * So is a wait for what another thread does: left earlier, the waiting thread would have come to
 * its wait, and the other would have gone on from there at no cost.
 *
 * A thread that was tried sleeps only if nothing of what came after was cut off by the bound; so
 * while the bound cuts, traces are seen again and again, by schedules that cost more or less. And
 * where threads sleep, what they would have shown is not seen: so the races are turned round as
 * without a bound too, by who can come first (wakeup.c), at the race and where its block begins.
 *
 * What every thread stands before is looked at after every event, since the bound may keep it
 * from ever being carried out. Complete means: every state that a thread can be in with no more
 * preemptions has been seen.
 */
#include "explore/engine.h"

unsigned preemptions_after(s32 depth, unsigned thread)
{
	const struct frame *frame = &engine.frames[depth];
	unsigned last = depth ? engine.frames[depth - 1].chosen : thread;

	return frame->preemptions + (last != thread && (frame->enabled & bit_of(last)));
}

bool bound_allows(s32 depth, unsigned thread)
{
	return preemptions_after(depth, thread) <= (unsigned)engine.options->max_preemptions;
}

static void try_at(s32 depth, unsigned thread)
{
	struct frame *frame = &engine.frames[depth];

	frame->backtrack |= frame->enabled & bit_of(thread) ? bit_of(thread) : frame->enabled;
}

s32 block_begin(s32 e)
{
	s32 begin = e;

	while (begin > 0 && engine.frames[begin - 1].chosen == engine.frames[e].chosen)
		begin--;
	return begin;
}

static void try_before(s32 e, unsigned thread)
{
	try_at(e, thread);
	if (!planted(FAULT_NO_BLOCK_START))
		try_at(block_begin(e), thread);
}

/* The races of what the thread stands before. */
static void try_pending(unsigned thread)
{
	u32 races = engine.nr_races;

	engine.pends = true;
	order_pending(engine.nr_events, thread);
	engine.pends = false;
	for (u32 i = races; i < engine.nr_races; i++)
		try_before(engine.races[i].first, thread);
	engine.nr_races = races;
}

void bound_event(s32 e)
{
	if (engine.options->mode <= EXPLORE_SLEEP)
		return;
	for (unsigned t = 0; t < engine.threads; t++) {
		struct footprint print;

		if (engine.fibers[t]->ended)
			continue;
		print = announced_footprint(&engine.fibers[t]->op);
		if (t == engine.events[e].thread)
			try_pending(t);
		else if (footprints_depend(&print, &engine.events[e].done))
			try_before(e, t);
	}
}

void bound_stuck(void)
{
	for (unsigned t = 0; t < engine.threads; t++)
		if (!engine.fibers[t]->ended)
			try_pending(t);
}
