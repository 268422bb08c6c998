/* SPDX-License-Identifier: MIT */
/* Covers: H1 */
/*
 * Stress of userfaultfd in the manner of the kernel's own: memory bounces between two areas.
 *
 *   source   holds a counter in each page
 *   target   is empty and registered: who touches it waits, and the handler copies the page over,
 *            every other one write-protected; a write to such a one waits once more
 *
 * Threads count in random pages of the target. When they have ended, every counter must be what was
 * counted; then the source is dropped and becomes the target. Anonymous memory and shared memory
 * take turns; RAM holds a part of it, so that pages, and their protection, go to swap meanwhile.
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
#define NR_THREADS 4
#define COUNTS 4000 /* of each thread and bounce */
#define MAX_PAGES 4096
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif

static struct umm_machine *machine;
static struct umm_task *process;
static uint64_t areas[2], pages, seed;
static int uffd, target;
static _Atomic uint64_t expected[MAX_PAGES], copied, unprotected;
static atomic_bool stop;

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
static void fill(struct umm_task *task, uint64_t page)
{
	struct uffdio_copy copy = {
		.dst = areas[target] + page * PAGE,
		.src = areas[!target] + page * PAGE,
		.len = PAGE,
		.mode = page & 1 ? UFFDIO_COPY_MODE_WP : 0,
	};
	struct uffdio_range range = { copy.dst, PAGE };
	int ret = umm_ioctl(task, uffd, UFFDIO_COPY, &copy);

	if (ret == -EEXIST)
		good("UFFDIO_WAKE", umm_ioctl(task, uffd, UFFDIO_WAKE, &range));
	else if (ret)
		fail("UFFDIO_COPY", ret, (int64_t)page);
	else
		atomic_fetch_add(&copied, 1);
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
		else
			fill(task, page);
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

static void bounce(unsigned nr)
{
	struct counter counters[NR_THREADS];

	for (unsigned i = 0; i < NR_THREADS; i++) {
		good("thread", umm_thread_create(process, &counters[i].task));
		prng_seed(&counters[i].rng, seed + nr * NR_THREADS + i);
		if (pthread_create(&counters[i].thread, NULL, count, &counters[i]))
			fail("pthread_create", 0, 0);
	}
	for (unsigned i = 0; i < NR_THREADS; i++) {
		pthread_join(counters[i].thread, NULL);
		umm_task_exit(counters[i].task);
	}
	for (uint64_t page = 0; page < pages; page++) {
		uint64_t value;

		good("load", umm_load(process, areas[target] + page * PAGE, 8, &value, NULL));
		if (value != atomic_load(&expected[page]))
			fail("a counter is not what was counted", (int64_t)page, (int64_t)value);
	}
}

/* ---- the areas ------------------------------------------------------------------------ */

static void watch(uint64_t addr)
{
	struct uffdio_register reg = {
		.range = { addr, pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	good("UFFDIO_REGISTER", umm_ioctl(process, uffd, UFFDIO_REGISTER, &reg));
}

/* The other way round: what was the source is empty, and watched. */
static void turn(bool shared)
{
	struct uffdio_range range = { areas[target], pages * PAGE };

	good("UFFDIO_UNREGISTER", umm_ioctl(process, uffd, UFFDIO_UNREGISTER, &range));
	target = !target;
	good("madvise", umm_madvise(process, areas[target], pages * PAGE,
				    shared ? MADV_REMOVE : MADV_DONTNEED));
	watch(areas[target]);
}

static void run(bool shared, unsigned bounces)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM |
			    UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	};
	struct umm_task *handler;
	pthread_t thread;

	if ((umm_userfaultfd_features() & api.features) != api.features) {
		printf("skipped: this build has no write-protection by userfaultfd\n");
		exit(77);
	}
	good("process", umm_process_create(machine, &process));
	good("thread", umm_thread_create(process, &handler));
	uffd = umm_userfaultfd(process, O_NONBLOCK);
	good("userfaultfd", uffd);
	good("UFFDIO_API", umm_ioctl(process, uffd, UFFDIO_API, &api));
	for (int i = 0; i < 2; i++) {
		int64_t addr = umm_mmap(process, 0, pages * PAGE, PROT_READ | PROT_WRITE,
					MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);

		good("mmap", addr);
		areas[i] = (uint64_t)addr;
	}
	target = 1;
	for (uint64_t page = 0; page < pages; page++) {
		atomic_store(&expected[page], page);
		good("store", umm_store(process, areas[0] + page * PAGE, 8, page, NULL));
	}
	watch(areas[target]);
	atomic_store(&stop, false);
	if (pthread_create(&thread, NULL, handle, handler))
		fail("pthread_create", 0, 0);
	for (unsigned i = 0; i < bounces; i++) {
		if (i)
			turn(shared);
		bounce(i);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	umm_task_exit(handler);
	umm_task_exit(process);
}

int main(int argc, char **argv)
{
	unsigned bounces = argc > 2 ? (unsigned)atoi(argv[2]) : 4;
	struct umm_config config;
	char text[4096];

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	pages = 1536;
	umm_config_init(&config);
	config.cpus = NR_THREADS + 2;
	config.ram_bytes = 8u << 20;
	good("machine", umm_machine_create(&config, &machine));
	good("swap", umm_swap_create(machine, 8 * pages, -1));
	for (int shared = 0; shared < 2; shared++)
		run(shared, bounces);
	if (umm_verify(machine, text, sizeof(text))) {
		fprintf(stderr, "%s", text);
		return 1;
	}
	printf("%llu pages copied, %llu unprotected\n", (unsigned long long)atomic_load(&copied),
	       (unsigned long long)atomic_load(&unprotected));
	umm_machine_destroy(machine);
	return 0;
}
