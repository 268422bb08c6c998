/* SPDX-License-Identifier: MIT */
/* Let each allocation of a fork fail in turn; nothing may be lost, and verify() finds nothing. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include <usermm/usermm.h>

int main(void)
{
	struct umm_machine *machine;
	struct umm_task *task, *child;
	struct umm_config config;
	uint64_t addr, value = 0;
	char findings[1024];
	unsigned nth = 0;
	int err;

	umm_config_init(&config);
	if (umm_machine_create(&config, &machine) || umm_process_create(machine, &task))
		return 1;
	addr = (uint64_t)umm_mmap(task, 0, 64 * UMM_PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (umm_store(task, addr, 8, 42, NULL))
		return 1;
	do {
		struct umm_fail fail = { .order = -1, .nth = ++nth };

		if (umm_fail_set(machine, &fail))
			return 1;
		err = umm_fork(task, &child);
		(void)umm_fail_set(machine, NULL);
		if (umm_verify(machine, findings, sizeof(findings))) {
			printf("after failure %u: %s", nth, findings);
			return 1;
		}
	} while (err == -ENOMEM);

	(void)umm_load(child, addr, 8, &value, NULL);
	printf("fork needs %u allocations; each failed once, and the child reads %llu\n", nth - 1,
	       (unsigned long long)value);
	umm_machine_destroy(machine);
	return err != 0 || value != 42;
}
