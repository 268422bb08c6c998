/* SPDX-License-Identifier: MIT */
/* Programs of plain words, without waiting. */
#include "explore/programs/programs.h"
#include "sync/sync.h"

#include <string.h>

static unsigned size;
static int x, y;
static int word[EXPLORE_MAX_THREADS + 1];
static atomic_t counter;

static void reset(void *arg)
{
	(void)arg;
	x = 0;
	y = 0;
	counter.v = 0;
	memset(word, 0, sizeof(word));
}

static void make(struct explore_program *program, unsigned n, unsigned threads,
		 void (*thread)(void *arg, unsigned self))
{
	size = n;
	program->threads = threads;
	program->reset = reset;
	program->thread = thread;
}

/* ---- Fibonacci: the largest sum needs the most switches ---- */

static void reset_ones(void *arg)
{
	(void)arg;
	x = 1;
	y = 1;
}

static void fib_add(int *to, const int *from)
{
	for (unsigned k = 0; k < size; k++) {
		int sum = READ_ONCE(*to);

		sum += READ_ONCE(*from);
		WRITE_ONCE(*to, sum);
	}
}

static void fib_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		fib_add(&x, &y);
	} else if (self == 1) {
		fib_add(&y, &x);
	} else {
		(void)READ_ONCE(x);
		(void)READ_ONCE(y);
	}
}

void program_fib_bench(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, 3, fib_thread);
	ret_program->reset = reset_ones;
}

void program_fib2(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, 2, fib_thread);
	ret_program->reset = reset_ones;
}

/* ---- one word, many threads ---- */

static void ainc_thread(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	atomic_inc(&counter);
}

static void ainc_check(void *arg)
{
	(void)arg;
	explore_assert(counter.v == (int)size);
}

void program_ainc(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, n, ainc_thread);
	ret_program->check = ainc_check;
}

static void readers_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0)
		WRITE_ONCE(x, 1);
	else
		(void)READ_ONCE(x);
}

void program_readers(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, n + 1, readers_thread);
}

static void floating_read_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0)
		(void)READ_ONCE(x);
	else
		WRITE_ONCE(x, (int)self);
}

void program_floating_read(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, n + 1, floating_read_thread);
}

static void casrot_thread(void *arg, unsigned self)
{
	(void)arg;
	(void)sync_cmpxchg(&x, (int)self, (int)self + 1, SYNC_FULL);
}

void program_casrot(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, n, casrot_thread);
}

/* ---- arrays ---- */

static void lastzero_thread(void *arg, unsigned self)
{
	unsigned i = size;

	(void)arg;
	if (self == 0) {
		while (READ_ONCE(word[i]) != 0)
			i--;
	} else {
		WRITE_ONCE(word[self], READ_ONCE(word[self - 1]) + 1);
	}
}

void program_lastzero(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, n + 1, lastzero_thread);
}

static void sb_thread(void *arg, unsigned self)
{
	(void)arg;
	WRITE_ONCE(word[self], 1);
	(void)READ_ONCE(word[(self + 1) % size]);
}

void program_sb(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, n, sb_thread);
}

static void mp_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned i = 0; i < size; i++) {
		if (self == 0)
			WRITE_ONCE(word[i], 1);
		else
			(void)READ_ONCE(word[size - 1 - i]);
	}
}

void program_mp(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, 2, mp_thread);
}

/* Reads acquire, writes release. */
static void big0_thread(void *arg, unsigned self)
{
	unsigned reads = self == 0 ? 7 : 3;

	(void)arg;
	if (self < 2) {
		for (unsigned i = 0; i < reads; i++)
			(void)smp_load_acquire(&word[i % 4]);
		return;
	}
	for (int value = 1; value <= 3; value++) {
		smp_store_release(&word[2 * (self - 2)], value);
		smp_store_release(&word[2 * (self - 2) + 1], value);
	}
}

void program_big0(unsigned n, struct explore_program *ret_program)
{
	make(ret_program, n, 4, big0_thread);
}
