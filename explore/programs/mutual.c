/* SPDX-License-Identifier: MIT */
/*
 * Mutual exclusion between two threads without locks. Each goes through its critical section
 * `rounds` times and looks twice at most for what it waits for; then it gives up.
 */
#include "explore/programs/programs.h"
#include "sync/sync.h"

#define TRIES 2

static unsigned rounds;
static int flag[2];
static int turn;
static int inside;

static void reset(void *arg)
{
	(void)arg;
	flag[0] = 0;
	flag[1] = 0;
	turn = 0;
	inside = 0;
}

static void make(struct explore_program *program, unsigned n,
		 void (*thread)(void *arg, unsigned self))
{
	rounds = n;
	program->threads = 2;
	program->reset = reset;
	program->thread = thread;
}

static void critical_section(unsigned self)
{
	WRITE_ONCE(inside, (int)self + 1);
	explore_assert(READ_ONCE(inside) == (int)self + 1);
}

/* True as soon as the condition holds at one of the tries. */
#define seen_within_tries(condition)                         \
	({                                                   \
		bool seen_ = false;                          \
                                                             \
		for (int i_ = 0; i_ < TRIES && !seen_; i_++) \
			seen_ = (condition);                 \
		seen_;                                       \
	})

/* ---- Peterson ---- */

static bool peterson_free(unsigned other)
{
	int his_flag = READ_ONCE(flag[other]);
	int whose_turn = READ_ONCE(turn);

	return his_flag != 1 || whose_turn != (int)other;
}

static void peterson_thread(void *arg, unsigned self)
{
	unsigned other = 1 - self;

	(void)arg;
	for (unsigned r = 0; r < rounds; r++) {
		WRITE_ONCE(flag[self], 1);
		WRITE_ONCE(turn, (int)other);
		if (!seen_within_tries(peterson_free(other)))
			return;
		critical_section(self);
		WRITE_ONCE(flag[self], 0);
	}
}

void program_peterson(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, peterson_thread);
}

/* ---- Dekker ---- */

/* One look at the other's flag; false: it is not my turn and did not become so. */
static bool dekker_look(unsigned self, bool *ret_free)
{
	*ret_free = !READ_ONCE(flag[1 - self]);
	if (*ret_free || READ_ONCE(turn) == (int)self)
		return true;
	WRITE_ONCE(flag[self], 0);
	if (!seen_within_tries(READ_ONCE(turn) == (int)self))
		return false;
	WRITE_ONCE(flag[self], 1);
	return true;
}

static void dekker_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned r = 0; r < rounds; r++) {
		bool free = false;

		WRITE_ONCE(flag[self], 1);
		for (int i = 0; i < TRIES && !free; i++)
			if (!dekker_look(self, &free))
				return;
		if (!free)
			return;
		critical_section(self);
		WRITE_ONCE(turn, 1 - (int)self);
		WRITE_ONCE(flag[self], 0);
	}
}

void program_dekker(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, dekker_thread);
}

/* ---- Szymanski: a waiting room with a door in and a door out ---- */

enum { OUTSIDE, WISHES, WAITS_FOR_OTHERS, IN_DOORWAY, IN_ROOM };

static bool szymanski_round(unsigned self)
{
	int *mine = &flag[self], *his = &flag[1 - self];

	WRITE_ONCE(*mine, WISHES);
	if (!seen_within_tries(READ_ONCE(*his) < IN_DOORWAY))
		return false;
	WRITE_ONCE(*mine, IN_DOORWAY);
	if (READ_ONCE(*his) == WISHES) {
		WRITE_ONCE(*mine, WAITS_FOR_OTHERS);
		if (!seen_within_tries(READ_ONCE(*his) == IN_ROOM))
			return false;
	}
	WRITE_ONCE(*mine, IN_ROOM);
	if (!seen_within_tries(READ_ONCE(*his) < WAITS_FOR_OTHERS))
		return false;
	critical_section(self);
	if (!seen_within_tries(READ_ONCE(*his) < WAITS_FOR_OTHERS || READ_ONCE(*his) > IN_DOORWAY))
		return false;
	WRITE_ONCE(*mine, OUTSIDE);
	return true;
}

static void szymanski_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned r = 0; r < rounds; r++)
		if (!szymanski_round(self))
			return;
}

void program_szymanski(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, szymanski_thread);
}
