/* SPDX-License-Identifier: MIT */
/* Covers: H1 */
/*
 * Stress of userfaultfd in the manner of the kernel's own: memory bounces between two areas.
 *
 *   source   holds a counter in each page
 *   target   is empty and registered: who touches it waits, and a handler copies the page over,
 *            every other one write-protected; a write to such a one waits once more
 *
 * Threads count in random pages of the target. Meanwhile another protects ranges of it, sends them
 * to swap and, of shared memory, drops the entries: where minor faults are asked for, the page that
 * is in the cache still is mapped again by a handler. When the threads have ended, every counter
 * must be what was counted; then the source is dropped and becomes the target. RAM holds a part of
 * it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <usermm/usermm.h>

#include "base/prng.h"

#define PAGE UMM_PAGE_SIZE
#define MAX_THREADS 16
#define NR_HANDLERS 2
#define COUNTS 4000 /* of each thread and bounce */
#define MAX_PAGES 4096
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
#ifndef UFFDIO_CONTINUE_MODE_WP
#define UFFDIO_CONTINUE_MODE_WP 2
#endif

/* What memory the areas are, and what is watched beside missing pages and protected ones. */
static const struct kind {
	const char *name;
	int map_flags;
	uint64_t modes;
} kinds[] = {
	{ "anonymous", MAP_PRIVATE | MAP_ANONYMOUS, 0 },
	{ "shared", MAP_SHARED | MAP_ANONYMOUS, 0 },
	{ "shared, minor faults", MAP_SHARED | MAP_ANONYMOUS, UFFDIO_REGISTER_MODE_MINOR },
};

static struct umm_machine *machine;
static struct umm_task *process;
static const struct kind *kind;
static uint64_t areas[2], pages, seed;
static unsigned nr_threads = 4;
static int uffd, target;
static _Atomic uint64_t expected[MAX_PAGES], copied, continued, unprotected;
static atomic_bool stop, calm;

static _Noreturn void fail(const char *what, int64_t a, int64_t b)
{
	fprintf(stderr, "stress-uffd: %s (%lld, %lld), seed %llu\n", what, (long long)a,
		(long long)b, (unsigned long long)seed);
	exit(1);
}

static void good(const char *what, int64_t result)
{
	if (result < 0)
		fail(what, result, 0);
}

/* ---- the handler ---------------------------------------------------------------------- */

/* Another thread may have been first at the page, and have had it filled by now. */
static bool has_filled(struct umm_task *task, const char *what, int result, uint64_t addr)
{
	struct uffdio_range range = { addr, PAGE };

	if (result == -EEXIST)
		good("UFFDIO_WAKE", umm_ioctl(task, uffd, UFFDIO_WAKE, &range));
	else if (result)
		fail(what, result, (int64_t)addr);
	return !result;
}

static void fill(struct umm_task *task, uint64_t page)
{
	struct uffdio_copy copy = {
		.dst = areas[target] + page * PAGE,
		.src = areas[!target] + page * PAGE,
		.len = PAGE,
		.mode = page & 1 ? UFFDIO_COPY_MODE_WP : 0,
	};
	int ret = umm_ioctl(task, uffd, UFFDIO_COPY, &copy);

	if (has_filled(task, "UFFDIO_COPY", ret, copy.dst))
		atomic_fetch_add(&copied, 1);
}

/* The page is in the cache, or its slot is: nothing takes it out of there meanwhile. */
static void map_cached(struct umm_task *task, uint64_t page)
{
	struct uffdio_continue cont = {
		.range = { areas[target] + page * PAGE, PAGE },
		.mode = page & 2 ? UFFDIO_CONTINUE_MODE_WP : 0,
	};
	int ret = umm_ioctl(task, uffd, UFFDIO_CONTINUE, &cont);

	if (has_filled(task, "UFFDIO_CONTINUE", ret, cont.range.start))
		atomic_fetch_add(&continued, 1);
}

static void unprotect(struct umm_task *task, uint64_t page)
{
	struct uffdio_writeprotect range = { .range = { areas[target] + page * PAGE, PAGE } };

	good("UFFDIO_WRITEPROTECT", umm_ioctl(task, uffd, UFFDIO_WRITEPROTECT, &range));
	atomic_fetch_add(&unprotected, 1);
}

static void *handle(void *arg)
{
	struct umm_task *task = arg;
	struct uffd_msg message;

	while (!atomic_load(&stop)) {
		int64_t got = umm_fd_read(task, uffd, &message, sizeof(message));
		uint64_t page;

		if (got == -EAGAIN) {
			sched_yield();
			continue;
		}
		good("read", got);
		page = (message.arg.pagefault.address - areas[target]) / PAGE;
		if (message.event != UFFD_EVENT_PAGEFAULT || page >= pages)
			fail("a message of something else", message.event, (int64_t)page);
		if (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)
			unprotect(task, page);
		else if (message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_MINOR)
			map_cached(task, page);
		else
			fill(task, page);
	}
	return NULL;
}

/* ---- who disturbs --------------------------------------------------------------------- */

static void disturb_range(struct umm_task *task, uint64_t what, uint64_t addr, uint64_t bytes)
{
	struct uffdio_writeprotect range = {
		.range = { addr, bytes },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (what == 0)
		good("UFFDIO_WRITEPROTECT", umm_ioctl(task, uffd, UFFDIO_WRITEPROTECT, &range));
	else if (what == 1)
		good("MADV_PAGEOUT", umm_madvise(task, addr, bytes, MADV_PAGEOUT));
	else if (kind->map_flags & MAP_SHARED)
		good("MADV_DONTNEED", umm_madvise(task, addr, bytes, MADV_DONTNEED));
}

static void *disturb(void *arg)
{
	struct umm_task *task = arg;
	struct prng rng;

	prng_seed(&rng, seed);
	while (!atomic_load(&calm)) {
		uint64_t first = prng_below(&rng, pages), nr = 1 + prng_below(&rng, 16);

		if (nr > pages - first)
			nr = pages - first;
		disturb_range(task, prng_below(&rng, 3), areas[target] + first * PAGE, nr * PAGE);
		sched_yield();
	}
	return NULL;
}

/* ---- who counts ----------------------------------------------------------------------- */

struct counter {
	struct umm_task *task;
	struct prng rng;
	pthread_t thread;
};

static void *count(void *arg)
{
	struct counter *counter = arg;
	uint64_t old;

	for (int i = 0; i < COUNTS; i++) {
		uint64_t page = prng_below(&counter->rng, pages);

		good("fetch_add",
		     umm_fetch_add(counter->task, areas[target] + page * PAGE, 8, 1, &old, NULL));
		atomic_fetch_add(&expected[page], 1);
	}
	return NULL;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		fail("pthread_create", 0, 0);
	return thread;
}

static struct umm_task *thread_of_process(void)
{
	struct umm_task *task;

	good("thread", umm_thread_create(process, &task));
	return task;
}

/* What nobody has counted in yet is still missing, and comes now. */
static void compare(void)
{
	for (uint64_t page = 0; page < pages; page++) {
		uint64_t value;

		good("load", umm_load(process, areas[target] + page * PAGE, 8, &value, NULL));
		if (value != atomic_load(&expected[page]))
			fail("a counter is not what was counted", (int64_t)page, (int64_t)value);
	}
}

static void bounce(unsigned nr)
{
	struct umm_task *disturber = thread_of_process(), *handlers[NR_HANDLERS];
	struct counter counters[MAX_THREADS];
	pthread_t disturbing, handling[NR_HANDLERS];

	atomic_store(&calm, false);
	atomic_store(&stop, false);
	for (unsigned i = 0; i < NR_HANDLERS; i++) {
		handlers[i] = thread_of_process();
		handling[i] = start(handle, handlers[i]);
	}
	disturbing = start(disturb, disturber);
	for (unsigned i = 0; i < nr_threads; i++) {
		counters[i].task = thread_of_process();
		prng_seed(&counters[i].rng, seed + nr * nr_threads + i);
		counters[i].thread = start(count, &counters[i]);
	}
	for (unsigned i = 0; i < nr_threads; i++) {
		pthread_join(counters[i].thread, NULL);
		umm_task_exit(counters[i].task);
	}
	atomic_store(&calm, true);
	pthread_join(disturbing, NULL);
	umm_task_exit(disturber);
	compare();
	/* Who was told may still be at it, though others have been faster. */
	atomic_store(&stop, true);
	for (unsigned i = 0; i < NR_HANDLERS; i++) {
		pthread_join(handling[i], NULL);
		umm_task_exit(handlers[i]);
	}
}

/* ---- the areas ------------------------------------------------------------------------ */

static void watch(uint64_t addr)
{
	struct uffdio_register reg = {
		.range = { addr, pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | kind->modes,
	};

	good("UFFDIO_REGISTER", umm_ioctl(process, uffd, UFFDIO_REGISTER, &reg));
}

/* The other way round: what was the source is empty, and watched. */
static void turn(void)
{
	struct uffdio_range range = { areas[target], pages * PAGE };

	good("UFFDIO_UNREGISTER", umm_ioctl(process, uffd, UFFDIO_UNREGISTER, &range));
	target = !target;
	good("madvise", umm_madvise(process, areas[target], pages * PAGE,
				    kind->map_flags & MAP_SHARED ? MADV_REMOVE : MADV_DONTNEED));
	watch(areas[target]);
}

static void open_uffd(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM |
			    UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_MINOR_SHMEM,
	};

	if ((umm_userfaultfd_features() & api.features) != api.features) {
		printf("skipped: this build has no write-protection by userfaultfd\n");
		exit(77);
	}
	uffd = umm_userfaultfd(process, O_NONBLOCK);
	good("userfaultfd", uffd);
	good("UFFDIO_API", umm_ioctl(process, uffd, UFFDIO_API, &api));
}

static void map_areas(void)
{
	for (int i = 0; i < 2; i++) {
		int64_t addr = umm_mmap(process, 0, pages * PAGE, PROT_READ | PROT_WRITE,
					kind->map_flags, -1, 0);

		good("mmap", addr);
		areas[i] = (uint64_t)addr;
	}
	target = 1;
	for (uint64_t page = 0; page < pages; page++) {
		atomic_store(&expected[page], page);
		good("store", umm_store(process, areas[0] + page * PAGE, 8, page, NULL));
	}
	watch(areas[target]);
}

static void run(unsigned bounces)
{
	good("process", umm_process_create(machine, &process));
	open_uffd();
	map_areas();
	for (unsigned i = 0; i < bounces; i++) {
		if (i)
			turn();
		bounce(i);
	}
	umm_task_exit(process);
	if (!atomic_load(&copied) || !atomic_load(&unprotected) ||
	    !atomic_load(&continued) != !(kind->modes & UFFDIO_REGISTER_MODE_MINOR))
		fail("the handlers had nothing to do", (int64_t)atomic_load(&unprotected),
		     (int64_t)atomic_load(&continued));
	printf("%s: %llu pages copied, %llu mapped again, %llu unprotected\n", kind->name,
	       (unsigned long long)atomic_exchange(&copied, 0),
	       (unsigned long long)atomic_exchange(&continued, 0),
	       (unsigned long long)atomic_exchange(&unprotected, 0));
}

/* usage: stress-uffd [SEED [BOUNCES [THREADS]]] */
int main(int argc, char **argv)
{
	unsigned bounces = argc > 2 ? (unsigned)atoi(argv[2]) : 4;
	struct umm_config config;
	char text[4096];

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	if (argc > 3)
		nr_threads = (unsigned)atoi(argv[3]);
	if (!nr_threads || nr_threads > MAX_THREADS)
		fail("threads", nr_threads, MAX_THREADS);
	pages = 1536;
	umm_config_init(&config);
	config.cpus = nr_threads + NR_HANDLERS + 2;
	config.ram_bytes = 8u << 20;
	good("machine", umm_machine_create(&config, &machine));
	good("swap", umm_swap_create(machine, 8 * pages, -1));
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kind = &kinds[i];
		run(bounces);
	}
	if (umm_verify(machine, text, sizeof(text))) {
		fprintf(stderr, "%s", text);
		return 1;
	}
	umm_machine_destroy(machine);
	return 0;
}
