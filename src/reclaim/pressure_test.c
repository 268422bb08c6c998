/* SPDX-License-Identifier: MIT */
/* Covers: P4, H1 */
/*
 * Threads of several processes that together want more than there is, with a background reclaimer
 * beside them, on real threads: every byte is checked when it is read again, and the whole machine
 * at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include <usermm/usermm.h>

#include "base/prng.h"
#include "base/uapi.h"
#include "machine/machine.h"
#include "swap/swap.h"

#ifdef UMM_SIM
int main(void)
{
	print_message("skipped: the simulator has no threads of its own\n");
	return 77;
}
#else

#define WORKERS 4
#define PAGES 400ull
#define STEPS 20000
#define A 0x10000000ull

struct worker {
	pthread_t thread;
	struct umm_task *task;
	struct prng rng;
	u64 first; /* of the pages that are this thread's */
	u64 value[PAGES];
	bool failed;
};

static struct umm_machine *machine;
static struct worker workers[WORKERS];
static u32 stop;

static bool touch(struct worker *worker, u64 page)
{
	u64 addr = A + (worker->first + page) * PAGE_SIZE, value = 0;

	if (prng_below(&worker->rng, 2)) {
		worker->value[page] = prng_next(&worker->rng);
		return !umm_store(worker->task, addr, 8, worker->value[page], NULL);
	}
	return !umm_load(worker->task, addr, 8, &value, NULL) && value == worker->value[page];
}

static bool step(struct worker *worker)
{
	u64 page = prng_below(&worker->rng, PAGES), nr = MIN(16, PAGES - page);
	u64 addr = A + (worker->first + page) * PAGE_SIZE;

	switch (prng_below(&worker->rng, 40)) {
	case 0:
		return !umm_madvise(worker->task, addr, nr * PAGE_SIZE, MADV_PAGEOUT);
	case 1:
		return !umm_madvise(worker->task, addr, nr * PAGE_SIZE, MADV_COLD);
	case 2:
		memset(&worker->value[page], 0, nr * sizeof(u64));
		return !umm_madvise(worker->task, addr, nr * PAGE_SIZE, MADV_DONTNEED);
	case 3: {
		struct umm_task *child;
		u64 value = 0;
		bool same;

		if (umm_fork(worker->task, &child))
			return false;
		same = !umm_load(child, addr, 8, &value, NULL) && value == worker->value[page];
		umm_task_exit(child);
		return same;
	}
	default:
		return touch(worker, page);
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < STEPS && !worker->failed; i++)
		worker->failed = !step(worker);
	return NULL;
}

static void *background(void *arg)
{
	(void)arg;
	while (!smp_load_acquire(&stop))
		(void)umm_kswapd(machine, 0, false);
	return NULL;
}

static void start(struct worker *worker, unsigned i)
{
	prng_seed(&worker->rng, i + 1);
	/* Two threads of one process, in halves of one mapping, and processes of their own. */
	if (i == 1) {
		assert_int_equal(umm_thread_create(workers[0].task, &worker->task), 0);
		worker->first = PAGES;
	} else {
		assert_int_equal(umm_process_create(machine, &worker->task), 0);
		assert_int_equal(umm_mmap(worker->task, A, 2 * PAGES * PAGE_SIZE,
					  PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
				 A);
	}
}

static void threads_under_pressure(void **state)
{
	static char text[8192];
	struct umm_config config;
	pthread_t reclaimer;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 3 << 20;
	config.cpus = WORKERS;
	config.poison = true;
	config.overcommit = OVERCOMMIT_ALWAYS;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_true(umm_swap_create(machine, 8192, 0) >= 0);
	for (unsigned i = 0; i < WORKERS; i++)
		start(&workers[i], i);
	assert_int_equal(pthread_create(&reclaimer, NULL, background, NULL), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	smp_store_release(&stop, 1);
	pthread_join(reclaimer, NULL);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_false(workers[i].failed);
	/* Or nothing was tested. */
	assert_true(vm_counter_sum((struct machine *)machine, PSWPOUT) > 2000);
	print_message("%llu pages out, %llu in; %llu freed by kswapd, %llu directly\n",
		      (unsigned long long)vm_counter_sum((struct machine *)machine, PSWPOUT),
		      (unsigned long long)vm_counter_sum((struct machine *)machine, PSWPIN),
		      (unsigned long long)vm_counter_sum((struct machine *)machine, PGSTEAL_KSWAPD),
		      (unsigned long long)vm_counter_sum((struct machine *)machine,
							 PGSTEAL_DIRECT));
	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	for (unsigned i = 0; i < WORKERS; i++)
		umm_task_exit(workers[i].task);
	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	umm_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_under_pressure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
