/* SPDX-License-Identifier: MIT */
/* The machine is a value: take a copy, go on, put it back; or keep it in a file. */
#include <stdio.h>
#include <sys/mman.h>

#include <usermm/usermm.h>

static uint64_t load(struct umm_task *task, uint64_t addr)
{
	uint64_t value = 0;

	(void)umm_load(task, addr, 8, &value, NULL);
	return value;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "machine.umm";
	struct umm_snapshot *snapshot;
	struct umm_machine *machine;
	struct umm_config config;
	struct umm_task *task;
	uint64_t addr, before;

	umm_config_init(&config);
	if (umm_machine_create(&config, &machine) || umm_process_create(machine, &task))
		return 1;
	addr = (uint64_t)umm_mmap(task, 0, UMM_PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (umm_store(task, addr, 8, 1, NULL) || umm_snapshot_take(machine, &snapshot))
		return 1;

	if (umm_store(task, addr, 8, 2, NULL) || umm_munmap(task, addr, UMM_PAGE_SIZE))
		return 1;
	umm_snapshot_restore(machine, snapshot);
	umm_snapshot_free(snapshot);
	before = load(task, addr);
	printf("rewound: %llu\n", (unsigned long long)before);

	/* It comes back at the place it had, so the place has to be free. */
	if (umm_machine_save(machine, path))
		return 1;
	umm_machine_destroy(machine);
	if (umm_machine_load(path, &machine))
		return 1;
	task = umm_task_next(machine, NULL);
	printf("from the file: %llu\n", (unsigned long long)load(task, addr));
	umm_machine_destroy(machine);
	return before != 1;
}
