/* SPDX-License-Identifier: MIT */
#include "explore/programs/onepage.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "explore/restore.h"
#include "machine/machine.h"
#include "sync/sim/sched.h"

#define FRAMES 64

static struct {
	enum core_program which;
	struct machine *machine;
	struct umm_task *tasks[2];
	u64 page;
} core;

static void reset(void *arg)
{
	(void)arg;
	restore_back();
}

static void thread(void *arg, unsigned self)
{
	struct umm_task *task = core.tasks[self];
	u64 value;

	(void)arg;
	switch (core.which) {
	case CORE_FAULT_FAULT:
		(void)umm_store(task, core.page + 8 * self, 8, 1, NULL);
		break;
	case CORE_FAULT_UNMAP:
		if (self == 0)
			(void)umm_store(task, core.page, 8, 1, NULL);
		else
			(void)umm_munmap(task, core.page, PAGE_SIZE);
		break;
	case CORE_READ_WRITE:
		if (self == 0)
			(void)umm_load(task, core.page, 8, &value, NULL);
		else
			(void)umm_store(task, core.page, 8, 1, NULL);
		break;
	default:
		(void)umm_store(task, core.page, 8, 1, NULL);
		(void)umm_munmap(task, core.page, PAGE_SIZE);
	}
}

/* A page beside it has been touched by both: the tables are there, each has its CPU. */
static int set_up(void)
{
	u64 neighbour;
	int err = umm_process_create((struct umm_machine *)core.machine, &core.tasks[0]);

	if (!err)
		err = umm_thread_create(core.tasks[0], &core.tasks[1]);
	if (err)
		return err;
	core.page = (u64)umm_mmap(core.tasks[0], 0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	neighbour = core.page + PAGE_SIZE;
	for (unsigned t = 0; t < 2 && !err; t++)
		err = umm_store(core.tasks[t], neighbour, 8, t, NULL);
	return err;
}

int core_program_begin(enum core_program which, struct explore_program *ret_program)
{
	struct umm_config config;
	u8 *m;
	int err;

	umm_config_init(&config);
	config.ram_bytes = FRAMES * PAGE_SIZE;
	config.tlb_entries = 16;
	core.which = which;
	err = umm_machine_create(&config, (struct umm_machine **)&core.machine);
	if (err)
		return err;
	m = (u8 *)core.machine;
	err = set_up();
	if (!err)
		err = restore_add(m, core.machine->heap_committed);
	if (!err)
		err = restore_add(m + VMEMMAP_OFFSET, PAGE_ALIGN(FRAMES * STRUCT_PAGE_BYTES));
	if (!err)
		err = restore_add(m + RAM_OFFSET, FRAMES * PAGE_SIZE);
	if (!err)
		err = restore_take();
	if (err) {
		core_program_end();
		return err;
	}
	*ret_program = (struct explore_program){
		.name = core_program_name(which),
		.threads = 2,
		.reset = reset,
		.thread = thread,
	};
	return 0;
}

void core_program_end(void)
{
	restore_end();
	umm_machine_destroy((struct umm_machine *)core.machine);
}

const char *core_program_name(enum core_program which)
{
	static const char *const names[NR_CORE_PROGRAMS] = { "fault-fault", "fault-unmap",
							     "read-write", "both-unmap" };

	return names[which];
}
