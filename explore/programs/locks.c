/* SPDX-License-Identifier: MIT */
/* Programs with locks; the last three are wrong now and then. */
#include "explore/programs/programs.h"
#include "sync/sync.h"

#include <string.h>

#define SLOTS 128
#define KEYS_PER_THREAD 4

static unsigned size;
static struct mutex lock[SLOTS];
static int slot[SLOTS];
static int a, b;

static void reset(void *arg)
{
	(void)arg;
	a = 0;
	b = 0;
	memset(slot, 0, sizeof(slot));
	for (unsigned i = 0; i < SLOTS; i++)
		mutex_init(&lock[i], LC_MMAP);
}

static void reset_two(void *arg)
{
	(void)arg;
	a = 0;
	b = 0;
	mutex_init(&lock[0], LC_MMAP);
	mutex_init(&lock[1], LC_MMAP);
}

static void make(struct explore_program *program, unsigned n, void (*restart)(void *arg),
		 void (*thread)(void *arg, unsigned self))
{
	size = n;
	program->threads = n;
	program->reset = restart;
	program->thread = thread;
}

/* ---- indexer: two threads meet in a slot only from the twelfth on ---- */

static bool enter_key(unsigned at, int key)
{
	bool free;

	mutex_lock(&lock[at]);
	free = READ_ONCE(slot[at]) == 0;
	if (free)
		WRITE_ONCE(slot[at], key);
	mutex_unlock(&lock[at]);
	return free;
}

static void indexer_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned m = 1; m <= KEYS_PER_THREAD; m++) {
		unsigned key = m * 11 + self;
		unsigned at = key * 7 % SLOTS;

		while (!enter_key(at, (int)key))
			at = (at + 1) % SLOTS;
	}
}

void program_indexer(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, reset, indexer_thread);
}

/* ---- dining philosophers ---- */

static void phil_thread(void *arg, unsigned self)
{
	struct mutex *left = &lock[self], *right = &lock[(self + 1) % size];

	(void)arg;
	mutex_lock(left);
	mutex_lock(right);
	mutex_unlock(right);
	mutex_unlock(left);
}

void program_phil(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, reset, phil_thread);
}

/* ---- seeded with one bug each; the last thread, or the first, is the one that notices ---- */

static void reorder_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self + 1 < size) {
		WRITE_ONCE(a, 1);
		WRITE_ONCE(b, -1);
		return;
	}
	explore_assert((READ_ONCE(a) == 0 && READ_ONCE(b) == 0) ||
		       (READ_ONCE(a) == 1 && READ_ONCE(b) == -1));
}

void program_reorder(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, reset_two, reorder_thread);
}

static void twostage_update(void)
{
	mutex_lock(&lock[0]);
	WRITE_ONCE(a, 1);
	mutex_unlock(&lock[0]);
	mutex_lock(&lock[1]);
	WRITE_ONCE(b, READ_ONCE(a) + 1);
	mutex_unlock(&lock[1]);
}

static void twostage_thread(void *arg, unsigned self)
{
	int first = 0, second;

	(void)arg;
	if (self + 1 < size) {
		twostage_update();
		return;
	}
	mutex_lock(&lock[0]);
	if (READ_ONCE(a))
		first = READ_ONCE(a);
	mutex_unlock(&lock[0]);
	if (!first)
		return;
	mutex_lock(&lock[1]);
	second = READ_ONCE(b);
	mutex_unlock(&lock[1]);
	explore_assert(second == first + 1);
}

void program_twostage(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, reset_two, twostage_thread);
}

static void wronglock_thread(void *arg, unsigned self)
{
	struct mutex *mine = &lock[self ? 1 : 0];
	int before;

	(void)arg;
	mutex_lock(mine);
	before = READ_ONCE(a);
	WRITE_ONCE(a, before + 1);
	if (!self)
		explore_assert(READ_ONCE(a) == before + 1);
	mutex_unlock(mine);
}

void program_wronglock(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, reset_two, wronglock_thread);
}
