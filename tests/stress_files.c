/* SPDX-License-Identifier: MIT */
/* Covers: H1, P1, P3, P4, Z1 */
/*
 * Stress of files and swap: host threads of one process map, write, cut, punch, page out, lock,
 * move and fork the pages of one file, in little memory. What a page holds names its place in the
 * file, so that a page that comes up elsewhere is noticed; at every rest the machine is verified.
 *
 *     S  shared mapping of the file    V  private mapping of it    N  private anonymous memory
 *     T  where pages of S are moved to, each to its own place there
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <usermm/usermm.h>

#include "base/prng.h"

#define PAGE UMM_PAGE_SIZE
#define PAGES 16
#define AREA(n) (0x3f00000000ull + (n)*0x1000000ull)
#define S AREA(0)
#define V AREA(1)
#define N AREA(2)
#define T AREA(3)
#define NR_THREADS 3
#define RW (PROT_READ | PROT_WRITE)

static struct umm_machine *machine;
static struct umm_task *process;
static int fd;
static atomic_bool stop;
static _Atomic uint64_t steps;

struct worker {
	struct prng rng;
	struct umm_task *task;
	pthread_t thread;
};

static uint64_t pick(struct worker *worker, uint64_t bound)
{
	return prng_below(&worker->rng, bound);
}

_Noreturn static void fail(const char *what, uint64_t at, uint64_t value)
{
	(void)fprintf(stderr, "stress-files: %s (%#llx: %#llx)\n", what, (unsigned long long)at,
		      (unsigned long long)value);
	exit(1);
}

/* ---- accesses ------------------------------------------------------------------------------ */

/* What is written to a page: which one it is, of the file or of anonymous memory. */
static uint64_t stamp(uint64_t addr)
{
	uint64_t index = addr / PAGE % PAGES;

	return (addr >= N && addr < N + PAGES * PAGE ? 0xa000 : 0xf000) | index << 4 | 1;
}

static void touch(struct worker *worker, struct umm_task *task)
{
	uint64_t addr = AREA(pick(worker, 4)) + pick(worker, PAGES) * PAGE;
	struct umm_fault fault;
	uint64_t value;

	if (pick(worker, 2))
		(void)umm_store(task, addr, 8, stamp(addr), &fault);
	else if (!umm_load(task, addr, 8, &value, &fault) && value && value != stamp(addr))
		fail("a page holds what was written to another", addr, value);
}

static void transfer(struct worker *worker)
{
	int64_t at = (int64_t)(pick(worker, PAGES) * PAGE);
	uint64_t value = stamp(S + (uint64_t)at);

	if (pick(worker, 2))
		(void)umm_pwrite(worker->task, fd, &value, sizeof(value), at);
	else if (umm_pread(worker->task, fd, &value, sizeof(value), at) == sizeof(value) && value &&
		 value != stamp(S + (uint64_t)at))
		fail("the file holds what was written to another page", (uint64_t)at, value);
}

static void fork_and_touch(struct worker *worker)
{
	struct umm_task *child;

	if (umm_fork(worker->task, &child))
		return;
	for (unsigned i = 0; i < 20; i++)
		touch(worker, child);
	umm_task_exit(child);
}

/* ---- steps --------------------------------------------------------------------------------- */

static void map_again(struct worker *worker, uint64_t addr)
{
	int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	(void)addr;
	switch (pick(worker, 3)) {
	case 0:
		(void)umm_mmap(worker->task, S, PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
		break;
	case 1:
		(void)umm_mmap(worker->task, V, PAGES * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
		break;
	default:
		(void)umm_mmap(worker->task, N, PAGES * PAGE, RW, anonymous, -1, 0);
	}
}

static void unmap(struct worker *worker, uint64_t addr)
{
	(void)umm_munmap(worker->task, addr, (1 + pick(worker, 4)) * PAGE);
}

static void cut(struct worker *worker, uint64_t addr)
{
	(void)addr;
	(void)umm_ftruncate(worker->task, fd, (int64_t)(pick(worker, PAGES + 1) * PAGE));
	(void)umm_ftruncate(worker->task, fd, PAGES * PAGE);
}

static void punch(struct worker *worker, uint64_t addr)
{
	(void)addr;
	(void)umm_fallocate(worker->task, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    (int64_t)(pick(worker, PAGES) * PAGE), 4 * PAGE);
}

static void advise(struct worker *worker, uint64_t addr)
{
	static const int advices[] = { MADV_PAGEOUT, MADV_DONTNEED, MADV_COLD,
				       MADV_FREE,    MADV_WILLNEED, MADV_REMOVE };

	(void)umm_madvise(worker->task, addr, 4 * PAGE,
			  advices[pick(worker, sizeof(advices) / sizeof(*advices))]);
}

static void protect(struct worker *worker, uint64_t addr)
{
	(void)umm_mprotect(worker->task, addr, 2 * PAGE, pick(worker, 3) ? RW : PROT_READ);
}

static void lock(struct worker *worker, uint64_t addr)
{
	if (pick(worker, 2))
		(void)umm_mlock(worker->task, addr, 2 * PAGE);
	else
		(void)umm_munlock(worker->task, addr, 8 * PAGE);
}

static void move(struct worker *worker, uint64_t addr)
{
	uint64_t offset = addr / PAGE % PAGES * PAGE;

	(void)umm_mremap(worker->task, S + offset, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 T + offset);
}

static void step(struct worker *worker)
{
	static void (*const calls[])(struct worker * worker, uint64_t addr) = {
		map_again, unmap, cut, punch, advise, advise, protect, lock, move,
	};
	uint64_t addr = AREA(pick(worker, 4)) + pick(worker, PAGES) * PAGE;

	switch (pick(worker, 32)) {
	case 0:
		fork_and_touch(worker);
		break;
	case 1:
		transfer(worker);
		break;
	default:
		for (unsigned i = 0; i < 10; i++)
			touch(worker, worker->task);
		calls[pick(worker, sizeof(calls) / sizeof(*calls))](worker, addr);
	}
	atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (!stop)
		step(worker);
	return NULL;
}

/* ---- rounds -------------------------------------------------------------------------------- */

static void verify(const char *when)
{
	static char text[65536];

	if (!umm_verify(machine, text, sizeof(text)))
		return;
	(void)fprintf(stderr, "stress-files: %s:\n%s", when, text);
	exit(1);
}

static void run_round(struct worker *workers)
{
	const struct timespec while_running = { .tv_nsec = 250000000 };

	stop = false;
	for (unsigned i = 0; i < NR_THREADS; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			fail("no thread", i, 0);
	(void)nanosleep(&while_running, NULL);
	stop = true;
	for (unsigned i = 0; i < NR_THREADS; i++)
		(void)pthread_join(workers[i].thread, NULL);
	verify("at rest");
}

/* usage: stress-files SEED ROUNDS RAM-PAGES */
int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 4;
	struct worker workers[NR_THREADS];
	struct umm_config config;

	umm_config_init(&config);
	config.cpus = 4;
	config.ram_bytes = (argc > 3 ? strtoull(argv[3], NULL, 0) : 100) * PAGE;
	if (umm_machine_create(&config, &machine) || umm_process_create(machine, &process) ||
	    umm_swap_create(machine, 512, -1) < 0)
		fail("no machine", 0, 0);
	fd = umm_memfd_create(process, "stress", 0);
	(void)umm_ftruncate(process, fd, PAGES * PAGE);
	for (unsigned i = 0; i < NR_THREADS; i++) {
		prng_seed(&workers[i].rng, seed * NR_THREADS + i);
		if (umm_thread_create(process, &workers[i].task))
			fail("no task", i, 0);
	}
	for (unsigned i = 0; i < rounds; i++)
		run_round(workers);
	if (umm_swapoff_area(machine, 0))
		fail("swap cannot be taken away", 0, 0);
	for (unsigned i = 0; i < NR_THREADS; i++)
		umm_task_exit(workers[i].task);
	umm_task_exit(process);
	verify("at the end");
	umm_machine_destroy(machine);
	(void)printf("seed %llu: %llu steps\n", (unsigned long long)seed,
		     (unsigned long long)steps);
	return 0;
}
