/* SPDX-License-Identifier: MIT */
/*
 * A failing schedule made small. Few preemptions are what makes one readable, then few switches,
 * then few events.
 *
 *   1. greedy     A schedule is a row of blocks, each of one thread. The next block of a thread
 *                 is moved up to the one that was left, or this one down to the next; what is
 *                 not possible on the way goes on with the current thread. Whatever still fails
 *                 and is smaller is kept, until nothing is.
 *   2. search     Everything with no preemption, with one, with two, up to one less than what 1
 *                 has come to. The first failure there has the fewest, and goes through 1 once
 *                 more; none proves that there is nothing smaller. Trees grow steeply with the
 *                 preemptions: those before the one that decides cost little.
 *   3. renew      Under weaker memory, what reads an old value, or comes too late, and need not
 *                 for the failure, does not.
 */
#include "explore/explore.h"

#include <stdlib.h>

#include "base/uapi.h"

struct minimiser {
	const struct explore_program *program;
	struct explore_options options;
	const struct explore_options *limits;
	struct explore_minimised *best;
	enum explore_failure failure;
	char text[EXPLORE_TEXT_BYTES];
	u64 ns;
	struct explore_result result;
	u8 candidate[EXPLORE_MAX_EVENTS];
};

/*
 * The first line tells what is wrong, the others where everyone was. Numbers differ between
 * executions of one failure: addresses, identifiers.
 */
static bool same_text(const char *a, const char *b)
{
	static const char digits[] = "0123456789abcdefx";

	for (;;) {
		a += *a >= '0' && *a <= '9' ? strspn(a, digits) : 0;
		b += *b >= '0' && *b <= '9' ? strspn(b, digits) : 0;
		if (*a != *b)
			return false;
		if (!*a || *a == '\n')
			return true;
		a++;
		b++;
	}
}

/* Who is stuck where may differ: a deadlock is a deadlock. */
static bool same_failure(const struct minimiser *m)
{
	return m->result.failures && m->result.failure == m->failure &&
	       (m->failure == EXPLORE_FAIL_DEADLOCK || same_text(m->result.failure_text, m->text));
}

static bool smaller(const struct explore_result *a, const struct explore_minimised *b)
{
	if (a->preemptions != b->preemptions)
		return a->preemptions < b->preemptions;
	if (a->switches != b->switches)
		return a->switches < b->switches;
	return a->schedule_len < b->schedule_len;
}

static void take(struct minimiser *m)
{
	struct explore_minimised *best = m->best;

	memcpy(best->schedule, m->result.schedule, m->result.schedule_len);
	best->schedule_len = m->result.schedule_len;
	best->preemptions = m->result.preemptions;
	best->switches = m->result.switches;
	memcpy(best->text, m->result.failure_text, sizeof(best->text));
}

static bool within_limits(const struct minimiser *m)
{
	return (!m->limits->max_executions || m->best->runs < m->limits->max_executions) &&
	       (!m->limits->max_ns || m->ns < m->limits->max_ns);
}

static void replay(struct minimiser *m, const u8 *schedule, unsigned len)
{
	m->options.mode = EXPLORE_REPLAY;
	m->options.schedule = schedule;
	m->options.schedule_len = len;
	m->options.max_preemptions = -1;
	m->options.max_executions = 1;
	m->options.max_ns = 0;
	explore(m->program, &m->options, &m->result);
	m->best->runs++;
	m->ns += m->result.ns;
}

static bool try_candidate(struct minimiser *m)
{
	replay(m, m->candidate, m->best->schedule_len);
	if (!same_failure(m) || !smaller(&m->result, m->best))
		return false;
	take(m);
	return true;
}

static bool same_thread(u8 a, u8 b)
{
	return explore_step_thread(a) == explore_step_thread(b);
}

static unsigned block_end(const u8 *schedule, unsigned len, unsigned begin)
{
	unsigned end = begin + 1;

	while (end < len && same_thread(schedule[end], schedule[begin]))
		end++;
	return end;
}

/* Into candidate: [.. a)[a b)[b c)[c d)[d ..], with the middle two exchanged. */
static void exchange(struct minimiser *m, unsigned a, unsigned b, unsigned c)
{
	const u8 *schedule = m->best->schedule;

	memcpy(m->candidate, schedule, m->best->schedule_len);
	memcpy(m->candidate + a, schedule + b, c - b);
	memcpy(m->candidate + a + (c - b), schedule + a, b - a);
}

/* Join the block [begin, end) with the next one of its thread, up or down. */
static bool join_block(struct minimiser *m, unsigned begin, unsigned end)
{
	const u8 *schedule = m->best->schedule;
	unsigned len = m->best->schedule_len, next = end;

	while (next < len && !same_thread(schedule[next], schedule[begin]))
		next++;
	if (next == len) {
		/* Its last one: perhaps it can wait to the end. */
		exchange(m, begin, end, len);
		return end < len && try_candidate(m);
	}
	exchange(m, end, next, block_end(schedule, len, next));
	if (try_candidate(m))
		return true;
	exchange(m, begin, end, next);
	return try_candidate(m);
}

static void be_greedy(struct minimiser *m)
{
	unsigned begin = 0;

	while (begin < m->best->schedule_len && within_limits(m)) {
		unsigned end = block_end(m->best->schedule, m->best->schedule_len, begin);

		begin = join_block(m, begin, end) ? 0 : end;
	}
}

/* A loop that waited for a value that it has now read at once is shorter by no more than this. */
#define MAX_SKIPPED 4

/* The step is not behind, and what follows it begins `skipped` steps later. */
static bool try_renewed(struct minimiser *m, unsigned step, unsigned skipped)
{
	struct explore_minimised *best = m->best;
	unsigned rest = step + 1 + skipped;

	if (rest > best->schedule_len)
		return false;
	memcpy(m->candidate, best->schedule, step + 1);
	memcpy(m->candidate + step + 1, best->schedule + rest, best->schedule_len - rest);
	m->candidate[step] = (u8)explore_step_thread(best->schedule[step]);
	replay(m, m->candidate, best->schedule_len - skipped);
	if (!same_failure(m) || m->result.preemptions > best->preemptions ||
	    m->result.switches > best->switches)
		return false;
	take(m);
	return true;
}

/* What need not be behind is not. */
static void renew(struct minimiser *m)
{
	for (unsigned i = 0; i < m->best->schedule_len && within_limits(m); i++)
		for (unsigned n = 0; n <= MAX_SKIPPED; n++)
			if (!explore_step_age(m->best->schedule[i]) || try_renewed(m, i, n))
				break;
}

/* Everything with at most so many preemptions. True: there was time for it, or it failed. */
static bool search(struct minimiser *m, unsigned preemptions)
{
	struct explore_minimised *best = m->best;

	m->options.mode = EXPLORE_SOURCE;
	m->options.schedule = NULL;
	m->options.schedule_len = 0;
	m->options.max_preemptions = (int)preemptions;
	m->options.max_executions =
		m->limits->max_executions ? m->limits->max_executions - best->runs : 0;
	m->options.max_ns = m->limits->max_ns ? m->limits->max_ns - m->ns : 0;
	explore(m->program, &m->options, &m->result);
	best->runs += m->result.executions;
	m->ns += m->result.ns;
	return m->result.complete || m->result.failures;
}

/* The fewest preemptions that the failure can be had with, as far as the limits allow. */
static void search_below(struct minimiser *m)
{
	struct explore_minimised *best = m->best;
	unsigned preemptions = 0;

	while (preemptions < best->preemptions && within_limits(m) && search(m, preemptions)) {
		if (same_failure(m)) {
			take(m);
			break;
		}
		/* Another failure hides what else there may be. */
		if (m->result.failures)
			return;
		preemptions++;
	}
	best->proven = preemptions >= best->preemptions;
}

int explore_minimise(const struct explore_program *program, const struct explore_options *limits,
		     const u8 *schedule, unsigned len, struct explore_minimised *ret_minimised)
{
	struct minimiser *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	memset(ret_minimised, 0, sizeof(*ret_minimised));
	m->program = program;
	m->limits = limits;
	m->best = ret_minimised;
	m->options.deadlocks_allowed = limits->deadlocks_allowed;
	m->options.races_allowed = limits->races_allowed;
	m->options.memory = limits->memory;
	m->options.without = limits->without;
	replay(m, schedule, len);
	if (!m->result.failures) {
		free(m);
		return -ENOENT;
	}
	m->failure = m->result.failure;
	memcpy(m->text, m->result.failure_text, sizeof(m->text));
	take(m);
	ret_minimised->preemptions_before = ret_minimised->preemptions;
	ret_minimised->switches_before = ret_minimised->switches;
	be_greedy(m);
	search_below(m);
	be_greedy(m);
	renew(m);
	free(m);
	return 0;
}
