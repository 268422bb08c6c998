/* SPDX-License-Identifier: MIT */
/* Two host threads run two threads of one simulated process: no increment is lost. */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include <usermm/usermm.h>

#define ROUNDS 100000

static uint64_t counter;

static void *run(void *arg)
{
	struct umm_task *task = arg;
	uint64_t old;

	for (int i = 0; i < ROUNDS; i++)
		if (umm_fetch_add(task, counter, 8, 1, &old, NULL))
			break;
	return NULL;
}

int main(void)
{
	struct umm_machine *machine;
	struct umm_task *tasks[2];
	struct umm_config config;
	pthread_t threads[2];
	uint64_t value = 0;

	umm_config_init(&config);
	if (umm_machine_create(&config, &machine) || umm_process_create(machine, &tasks[0]) ||
	    umm_thread_create(tasks[0], &tasks[1]))
		return 1;
	counter = (uint64_t)umm_mmap(tasks[0], 0, UMM_PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, run, tasks[i]))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	(void)umm_load(tasks[0], counter, 8, &value, NULL);
	printf("%llu\n", (unsigned long long)value);
	umm_machine_destroy(machine);
	return value != 2 * ROUNDS;
}
