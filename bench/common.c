/* SPDX-License-Identifier: MIT */
/* Time, threads that start together, the order of a pointer chase. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prng.h"
#include "base/uapi.h"
#include "bench.h"

#define MAX_THREADS 8

/* What else runs on the machine does not count. */
double now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double wall_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

const char *uffd_lacks(uint64_t features, enum need need, const char *who)
{
	static char reason[80];
	const char *what = NULL;

	if (need >= NEEDS_UFFD_WP && !(features & UFFD_FEATURE_PAGEFAULT_FLAG_WP))
		what = "write protection by userfaultfd";
	else if (need >= NEEDS_WP_ASYNC && !(features & UFFD_FEATURE_WP_ASYNC))
		what = "write protection that tells nobody";
	if (!what)
		return NULL;
	snprintf(reason, sizeof(reason), "%s has no %s", who, what);
	return reason;
}

void cannot_run(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("usermm bench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_Exit(3);
}

/* The processor of this number among those that this process may use, or the last of them. */
static cpu_set_t nth_processor(const cpu_set_t *allowed, unsigned nth)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!nth--)
			break;
	}
	return one;
}

static cpu_set_t unplaced; /* where place_pair found its thread */

void place_pair(pthread_t other, unsigned processors)
{
	cpu_set_t own, others;

	if (pthread_getaffinity_np(pthread_self(), sizeof(unplaced), &unplaced))
		cannot_run("the processors of a thread cannot be asked for here");
	own = nth_processor(&unplaced, 0);
	others = nth_processor(&unplaced, processors - 1);
	if (pthread_setaffinity_np(pthread_self(), sizeof(own), &own) ||
	    pthread_setaffinity_np(other, sizeof(others), &others))
		cannot_run("threads cannot be placed here");
}

void place_back(void)
{
	(void)pthread_setaffinity_np(pthread_self(), sizeof(unplaced), &unplaced);
}

struct thread_run {
	const struct thread_work *what;
	uint32_t nr_threads, arrived;
	struct {
		pthread_t id;
		struct thread_run *run;
		uint32_t index;
		double ns;
	} threads[MAX_THREADS];
};

void meet(uint32_t *arrived, uint32_t threads)
{
	__atomic_fetch_add(arrived, 1, __ATOMIC_SEQ_CST);
	/* Waking a sleeper takes longer than what is measured. */
	for (uint32_t spins = 1; __atomic_load_n(arrived, __ATOMIC_SEQ_CST) < threads; spins++)
		if (spins % 65536 == 0)
			sched_yield();
}

static void *thread_main(void *arg)
{
	__typeof__(((struct thread_run *)0)->threads[0]) *thread = arg;
	struct thread_run *run = thread->run;
	const struct thread_work *what = run->what;
	double begin;

	if (what->prepare)
		what->prepare(what->arg, thread->index);
	meet(&run->arrived, run->nr_threads);
	begin = now_ns();
	what->fn(what->arg, thread->index);
	thread->ns = now_ns() - begin;
	return NULL;
}

double run_threads(const struct work *work, const struct thread_work *what)
{
	struct thread_run run = { .what = what, .nr_threads = work->threads };
	double longest;

	if (run.nr_threads == 0 || run.nr_threads > MAX_THREADS)
		cannot_run("%u threads: 1 to %d are possible", run.nr_threads, MAX_THREADS);
	for (uint32_t i = run.nr_threads; i-- > 0;) {
		run.threads[i].run = &run;
		run.threads[i].index = i;
		if (i > 0 && pthread_create(&run.threads[i].id, NULL, thread_main, &run.threads[i]))
			cannot_run("no thread can be started here");
	}
	thread_main(&run.threads[0]);
	longest = run.threads[0].ns;
	for (uint32_t i = 1; i < run.nr_threads; i++) {
		pthread_join(run.threads[i].id, NULL);
		longest = run.threads[i].ns > longest ? run.threads[i].ns : longest;
	}
	return longest;
}

void chase_cycle(uint32_t *next, uint64_t lines)
{
	uint32_t *order = malloc(lines * sizeof(*order));
	/* The same cycle every time: both sides must visit the lines in one order. */
	struct prng rng = { 1 };

	if (!order)
		cannot_run("out of memory");
	for (uint64_t i = 0; i < lines; i++)
		order[i] = (uint32_t)i;
	for (uint64_t i = lines - 1; i > 0; i--) {
		uint64_t other = prng_below(&rng, i + 1);
		uint32_t line = order[i];

		order[i] = order[other];
		order[other] = line;
	}
	for (uint64_t i = 0; i < lines; i++)
		next[order[i]] = order[(i + 1) % lines] * CHASE_STRIDE;
	free(order);
}
