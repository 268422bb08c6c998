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

#include "bench.h"

#define MAX_THREADS 8

static double clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double now_ns(const struct work *work)
{
	return clock_ns(work->wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID);
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

struct thread_run {
	void (*fn)(void *arg, uint32_t i);
	void *arg;
	pthread_barrier_t start;
	struct {
		pthread_t id;
		struct thread_run *run;
		uint32_t index;
		double begin, end;
	} threads[MAX_THREADS];
};

static void *thread_main(void *arg)
{
	__typeof__(((struct thread_run *)0)->threads[0]) *thread = arg;
	struct thread_run *run = thread->run;

	pthread_barrier_wait(&run->start);
	thread->begin = clock_ns(CLOCK_MONOTONIC);
	run->fn(run->arg, thread->index);
	thread->end = clock_ns(CLOCK_MONOTONIC);
	return NULL;
}

double run_threads(const struct work *work, void (*fn)(void *arg, uint32_t i), void *arg)
{
	struct thread_run run = { .fn = fn, .arg = arg };
	uint32_t threads = work->threads;
	double begin, end;

	if (threads == 0 || threads > MAX_THREADS)
		cannot_run("%u threads: 1 to %d are possible", threads, MAX_THREADS);
	if (threads == 1) {
		begin = now_ns(work);
		fn(arg, 0);
		return now_ns(work) - begin;
	}
	pthread_barrier_init(&run.start, NULL, threads);
	for (uint32_t i = threads; i-- > 0;) {
		run.threads[i].run = &run;
		run.threads[i].index = i;
		if (i > 0 && pthread_create(&run.threads[i].id, NULL, thread_main, &run.threads[i]))
			cannot_run("no thread can be started here");
	}
	thread_main(&run.threads[0]);
	begin = run.threads[0].begin;
	end = run.threads[0].end;
	for (uint32_t i = 1; i < threads; i++) {
		pthread_join(run.threads[i].id, NULL);
		begin = run.threads[i].begin < begin ? run.threads[i].begin : begin;
		end = run.threads[i].end > end ? run.threads[i].end : end;
	}
	pthread_barrier_destroy(&run.start);
	return end - begin;
}

/* The same cycle every time: both sides must visit the lines in one order. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void chase_cycle(uint32_t *next, uint64_t lines)
{
	uint32_t *order = malloc(lines * sizeof(*order));
	uint64_t state = 1;

	if (!order)
		cannot_run("out of memory");
	for (uint64_t i = 0; i < lines; i++)
		order[i] = (uint32_t)i;
	for (uint64_t i = lines - 1; i > 0; i--) {
		uint64_t other = next_random(&state) % (i + 1);
		uint32_t line = order[i];

		order[i] = order[other];
		order[other] = line;
	}
	for (uint64_t i = 0; i < lines; i++)
		next[order[i]] = order[(i + 1) % lines] * CHASE_STRIDE;
	free(order);
}
