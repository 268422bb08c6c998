/* SPDX-License-Identifier: MIT */
/*
 * stress: several host threads on one machine, doing everything at once, with values that must
 * come out right whatever the order.
 *
 *   shared processes   every worker has a thread in each. Pages of counters at a fixed place:
 *                        word 0          incremented atomically by all; no increment is lost
 *                        word 8 * (w+1)  worker w's own, incremented by load and store
 *                        word 8 * (w+9)  worker w's, written from its own process (process_vm)
 *                      Meanwhile others protect, move, lock and fork those pages.
 *                      Beside them, scratch mappings come and go; their words say in which
 *                      process and at which address they were written.
 *   own processes      one a worker, with a window of pages of which the worker knows exactly
 *                      what each holds and allows (stress_window.c).
 *
 * All meet now and then, and the whole machine is verified.
 */
#ifndef TESTS_STRESS_H
#define TESTS_STRESS_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <usermm/usermm.h>

#include "base/prng.h"

#define PAGE UMM_PAGE_SIZE
#define MAX_WORKERS 8
#define NR_SHARED 2
#define COUNTER_PAGES 8
#define COUNTERS 0x100000000ull      /* where every shared process has its counters */
#define COUNTERS_AWAY 0x180000000ull /* where they are moved to for a moment */
#define NR_RECENT 64

struct shared_process {
	uint64_t id;
	struct umm_task *members[MAX_WORKERS]; /* a thread for each worker, for the whole run */
	struct umm_task *tasks[MAX_WORKERS];   /* the one that the worker uses right now */
	/* Who changes how the counters are mapped; others meet faults meanwhile, and try again. */
	pthread_mutex_t layout;
	/* What word 0 of each page has reached: who looks later must not see less. */
	_Atomic uint64_t reached[COUNTER_PAGES];
	/* Scratch pages that may be mapped right now: readers in other threads look there. */
	_Atomic uint64_t recent[NR_RECENT];
};

#define WINDOW_PAGES 48
#define WINDOW 0x200000000ull

/* What a worker knows of a page of its own window. */
struct window_page {
	bool mapped, guard;
	bool wipe, drop; /* on fork: MADV_WIPEONFORK, MADV_DONTFORK */
	int prot;
	uint64_t value; /* of the words that window_store writes */
};

struct worker {
	uint32_t id;
	struct prng rng;
	pthread_t thread;
	struct umm_task *own; /* its process */
	uint64_t nonce;
	uint64_t steps;
	/* What the worker has done to the counters, by shared process and page. */
	uint64_t added[NR_SHARED][COUNTER_PAGES];
	uint64_t slot[NR_SHARED][COUNTER_PAGES];
	uint64_t remote[NR_SHARED][COUNTER_PAGES];
	struct window_page window[WINDOW_PAGES];
	uint64_t faults; /* accesses refused because somebody else had changed the mapping */
};

extern struct shared_process shared[NR_SHARED];
extern struct worker workers[MAX_WORKERS];
extern uint32_t nr_workers;

/* Something is wrong: say what and where, and end. */
_Noreturn void stress_fail(const struct worker *worker, const char *what, uint64_t got,
			   uint64_t expected);
#define EXPECT(worker, cond, got, expected)                                                \
	do {                                                                               \
		if (!(cond))                                                               \
			stress_fail(worker, #cond, (uint64_t)(got), (uint64_t)(expected)); \
	} while (0)

static inline uint64_t pick(struct worker *worker, uint64_t bound)
{
	return prng_below(&worker->rng, bound);
}

/* One random step on a shared process; one on the worker's own. */
void shared_step(struct worker *worker);
void window_step(struct worker *worker);
/* At rest: counters add up, windows hold what they should. */
void shared_check(uint32_t process);
void window_check(struct worker *worker, struct umm_task *task);

#endif
