/* SPDX-License-Identifier: MIT */
/* The stress: workers, the points where they meet, and the verdict. See stress.h. */
#include "stress.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUND_SECONDS 0.25

struct shared_process shared[NR_SHARED];
struct worker workers[MAX_WORKERS];
uint32_t nr_workers = 4;

static struct umm_machine *machine;
static pthread_barrier_t round_start, round_end;
static _Atomic bool over, stop_round;
static uint64_t seed = 1;
static double seconds = 10;
static uint32_t cpus = 4;

_Noreturn void stress_fail(const struct worker *worker, const char *what, uint64_t got,
			   uint64_t expected)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&once);
	fprintf(stderr,
		"stress: worker %u, step %llu: not true: %s (got 0x%llx, expected 0x%llx)\n"
		"again: stress --seed %llu --threads %u --cpus %u --seconds %g\n",
		worker->id, (unsigned long long)worker->steps, what, (unsigned long long)got,
		(unsigned long long)expected, (unsigned long long)seed, nr_workers, cpus, seconds);
	fflush(NULL);
	_Exit(1);
}

static double now_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- workers ---- */

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	for (;;) {
		pthread_barrier_wait(&round_start);
		if (atomic_load(&over))
			return NULL;
		while (!atomic_load_explicit(&stop_round, memory_order_relaxed)) {
			if (pick(worker, 3))
				shared_step(worker);
			else
				window_step(worker);
			worker->steps++;
		}
		pthread_barrier_wait(&round_end);
	}
}

/* ---- set-up, and the end ---- */

static struct umm_task *new_process(void)
{
	struct umm_task *task;
	int err = umm_process_create(machine, &task);

	EXPECT(&workers[0], !err, err, 0);
	return task;
}

static void set_up(void)
{
	struct umm_config config;
	int err;

	umm_config_init(&config);
	config.cpus = cpus;
	config.seed = seed;
	err = umm_machine_create(&config, &machine);
	EXPECT(&workers[0], !err, err, 0);
	for (uint32_t p = 0; p < NR_SHARED; p++) {
		int64_t at;

		shared[p].id = p + 1;
		pthread_mutex_init(&shared[p].layout, NULL);
		shared[p].tasks[0] = new_process();
		for (uint32_t w = 1; w < nr_workers; w++) {
			err = umm_thread_create(shared[p].tasks[0], &shared[p].tasks[w]);
			EXPECT(&workers[0], !err, err, 0);
		}
		memcpy(shared[p].members, shared[p].tasks, sizeof(shared[p].members));
		at = umm_mmap(shared[p].tasks[0], COUNTERS, COUNTER_PAGES * PAGE,
			      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			      0);
		EXPECT(&workers[0], at == (int64_t)COUNTERS, at, COUNTERS);
	}
	for (uint32_t w = 0; w < nr_workers; w++) {
		workers[w].id = w;
		prng_seed(&workers[w].rng, seed * 1000 + w);
		workers[w].own = new_process();
	}
}

/* Everybody is at rest: count, compare, verify. */
static void check_all(void)
{
	char text[8192];
	int found = umm_verify(machine, text, sizeof(text));

	if (found)
		fprintf(stderr, "%s\n", text);
	EXPECT(&workers[0], !found, found, 0);
	for (uint32_t p = 0; p < NR_SHARED; p++)
		shared_check(p);
	for (uint32_t w = 0; w < nr_workers; w++)
		window_check(&workers[w], workers[w].own);
}

/* When every process has gone, nothing may be left in use. */
static void tear_down(void)
{
	char text[8192];
	int found;

	for (uint32_t w = 0; w < nr_workers; w++)
		umm_task_exit(workers[w].own);
	for (uint32_t p = 0; p < NR_SHARED; p++)
		for (uint32_t w = nr_workers; w-- > 0;)
			umm_task_exit(shared[p].tasks[w]);
	EXPECT(&workers[0], !umm_task_next(machine, NULL), 1, 0);
	found = umm_verify(machine, text, sizeof(text));
	if (found)
		fprintf(stderr, "%s\n", text);
	EXPECT(&workers[0], !found, found, 0);
	umm_machine_destroy(machine);
}

static uint32_t run(void)
{
	double end = now_seconds() + seconds;
	uint32_t rounds = 0;

	pthread_barrier_init(&round_start, NULL, nr_workers + 1);
	pthread_barrier_init(&round_end, NULL, nr_workers + 1);
	for (uint32_t w = 0; w < nr_workers; w++)
		if (pthread_create(&workers[w].thread, NULL, worker_main, &workers[w]))
			stress_fail(&workers[w], "a thread can be started", 0, 0);
	while (now_seconds() < end) {
		struct timespec round = { .tv_nsec = (long)(ROUND_SECONDS * 1e9) };

		atomic_store(&stop_round, false);
		pthread_barrier_wait(&round_start);
		nanosleep(&round, NULL);
		atomic_store(&stop_round, true);
		pthread_barrier_wait(&round_end);
		check_all();
		rounds++;
	}
	atomic_store(&over, true);
	pthread_barrier_wait(&round_start);
	for (uint32_t w = 0; w < nr_workers; w++)
		pthread_join(workers[w].thread, NULL);
	return rounds;
}

static void help(void)
{
	printf("usage: stress [--seconds S] [--threads N] [--cpus N] [--seed N]\n"
	       "Host threads map, unmap, protect, move, fork and touch on one machine; every\n"
	       "quarter of a second they meet, and the machine is verified.\n");
}

static const struct option long_options[] = {
	{ "seconds", required_argument, NULL, 's' }, { "threads", required_argument, NULL, 't' },
	{ "cpus", required_argument, NULL, 'c' },    { "seed", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },          { 0 },
};

int main(int argc, char **argv)
{
	uint64_t steps = 0, faults = 0;
	uint32_t rounds;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 's')
			seconds = strtod(optarg, NULL);
		else if (option == 't')
			nr_workers = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'c')
			cpus = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			seed = strtoull(optarg, NULL, 10);
		else {
			help();
			return option == 'h' ? 0 : 2;
		}
	}
	if (nr_workers < 1 || nr_workers > MAX_WORKERS || optind < argc) {
		help();
		return 2;
	}
	set_up();
	rounds = run();
	for (uint32_t w = 0; w < nr_workers; w++) {
		steps += workers[w].steps;
		faults += workers[w].faults;
	}
	tear_down();
	printf("stress: %llu steps of %u threads on %u CPUs, %llu accesses refused and tried "
	       "again, verified %u times (seed %llu)\n",
	       (unsigned long long)steps, nr_workers, cpus, (unsigned long long)faults, rounds,
	       (unsigned long long)seed);
	return 0;
}
