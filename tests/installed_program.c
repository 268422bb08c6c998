/* SPDX-License-Identifier: MIT */
/* What a user of the installed library writes; tests/installed_test builds and runs it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <usermm/usermm.h>

static int touch(struct umm_machine *machine)
{
	struct umm_task *parent, *child;
	char buf[8] = "";
	int64_t addr;

	if (umm_process_create(machine, &parent))
		return 2;
	addr = umm_mmap(parent, 0, UMM_PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr < 0 || umm_write(parent, (uint64_t)addr, "before", 7, NULL))
		return 3;
	if (umm_fork(parent, &child) || umm_write(child, (uint64_t)addr, "child", 6, NULL))
		return 4;
	if (umm_read(parent, (uint64_t)addr, buf, 7, NULL) || strcmp(buf, "before") != 0)
		return 5;
	if (umm_verify(machine, NULL, 0))
		return 6;
	umm_task_exit(child);
	umm_task_exit(parent);
	return umm_verify(machine, NULL, 0) ? 7 : 0;
}

int main(void)
{
	struct umm_config config;
	struct umm_machine *machine;
	int status;

	umm_config_init(&config);
	status = umm_machine_create(&config, &machine);
	if (status) {
		fprintf(stderr, "no machine: %s\n", strerror(-status));
		return 1;
	}
	status = touch(machine);
	umm_machine_destroy(machine);
	if (status)
		fprintf(stderr, "usermm %s: step %d failed\n", umm_version(), status);
	return status;
}
