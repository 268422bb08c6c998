/* SPDX-License-Identifier: MIT */
#include "cli/mutant_programs.h"

#include "explore/explore.h"
#include "sync/sync.h"
#include "usermm/usermm.h"

/* ---- a wait queue: one waits for a condition, the other makes it true and wakes ---- */

static struct wait_queue_head queue;
static u32 condition;

static void queue_reset(void *arg)
{
	(void)arg;
	init_waitqueue_head(&queue);
	condition = 0;
}

static void queue_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		wait_event(&queue, smp_load_acquire(&condition));
	} else {
		smp_store_release(&condition, 1);
		wake_up_all(&queue);
	}
}

static const char *run_queue(void)
{
	static const struct explore_program program = {
		.name = "wait-queue",
		.threads = 2,
		.reset = queue_reset,
		.thread = queue_thread,
		.stack_only = true,
	};
	static const struct explore_options options = {
		.mode = EXPLORE_OPTIMAL,
		.max_preemptions = -1,
	};
	static struct explore_result result;

	if (explore(&program, &options, &result))
		return "it cannot be explored";
	if (result.failure == EXPLORE_FAIL_DEADLOCK)
		return "the waiter waits for ever";
	return result.complete ? NULL : "not all of it was explored";
}

/* ---- a machine that contradicts itself: verify() must see it ---- */

#define PAGES_ADDR 0x10000

/* A child whose parent kept writable entries of the pages that they share. */
static int verify_planted(bool planted)
{
	struct umm_task *task, *child;
	struct umm_machine *machine;
	struct umm_config config;
	int found = -1;

	umm_config_init(&config);
	config.ram_bytes = 1u << 20;
	if (umm_machine_create(&config, &machine))
		return -1;
	/* PROT_READ | PROT_WRITE; MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS */
	if (!umm_process_create(machine, &task) &&
	    umm_mmap(task, PAGES_ADDR, UMM_PAGE_SIZE, 3, 0x32, -1, 0) == PAGES_ADDR &&
	    !umm_store(task, PAGES_ADDR, 8, 1, NULL)) {
		umm_mutant_set("fork_copies_writable", planted);
		if (!umm_fork(task, &child))
			found = umm_verify(machine, NULL, 0);
		umm_mutant_set("fork_copies_writable", false);
	}
	umm_machine_destroy(machine);
	return found;
}

static const char *run_contradiction(void)
{
	if (verify_planted(false) != 0)
		return "verify() finds fault with a sound machine, or there is none";
	if (verify_planted(true) <= 0)
		return "verify() does not see a shared page that is mapped writable";
	return NULL;
}

const struct mutant_program mutant_programs[] = {
	{ "wait-queue", run_queue },
	{ "planted-contradiction", run_contradiction },
	{ NULL, NULL },
};
