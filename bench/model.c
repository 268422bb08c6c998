/* SPDX-License-Identifier: MIT */
/*
 * The model's side. One machine serves all measurements; its RAM is used up once and prefaulted
 * before the first, so that the page faults of the host are in none of them, and every frame
 * that is handed out has been used before and has to be zeroed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model_internal.h"
#include "phys/page.h"

struct umm_machine *machine;

void check(bool good, const char *what, int64_t result)
{
	if (!good)
		cannot_run("the model's %s gave %" PRId64 "%s%s", what, result,
			   result < 0 ? ": " : "", result < 0 ? strerror((int)-result) : "");
}

struct umm_task *new_process(void)
{
	struct umm_task *task;
	int err = umm_process_create(machine, &task);

	check(!err, "process", err);
	return task;
}

static uint64_t map_pages(struct umm_task *task, uint64_t pages)
{
	int64_t addr = umm_mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(addr > 0, "mmap", addr);
	return (uint64_t)addr;
}

void touch_pages(struct umm_task *task, uint64_t addr, uint64_t pages)
{
	int err = 0;

	for (uint64_t i = 0; i < pages; i++)
		err |= umm_store(task, addr + i * PAGE, 1, 1, NULL);
	check(!err, "store", err);
}

struct umm_task *new_process_touched(uint64_t pages, uint64_t *ret_addr)
{
	struct umm_task *task = new_process();

	*ret_addr = map_pages(task, pages);
	touch_pages(task, *ret_addr, pages);
	return task;
}

/* ---- the machine ---- */

/* Every frame that has a page struct gets its memory from the host now. */
static void prefault_ram(void)
{
	struct machine *m = (struct machine *)machine;

	for (uint64_t i = 0; i < m->nr_sections; i++) {
		pfn_t pfn = pfn_of(i * SECTION_PAGES);
		uint64_t pages = MIN(SECTION_PAGES, m->nr_pages - pfn.n);

		if (machine_section_online(m, pfn) &&
		    host_arena_populate(pfn_to_virt(m, pfn), pages * PAGE))
			cannot_run("the host has no memory for %" PRIu64 " pages", pages);
	}
}

void model_start(uint64_t pages)
{
	/* Twice: a fork whose pages are all copied. The rest: tables and watermarks. */
	uint64_t used = 2 * pages + pages / 16;
	uint64_t ram = (used + used / 16 + 4096) * PAGE;
	struct umm_config config;
	struct umm_task *task;
	uint64_t addr;
	int err;

	umm_config_init(&config);
	config.cpus = 2;
	config.ram_bytes = (ram + (4 << 20) - 1) & ~(uint64_t)((4 << 20) - 1);
	err = umm_machine_create(&config, &machine);
	check(!err, "machine", err);
	for (int round = 0; round < 2; round++) {
		task = new_process_touched(used, &addr);
		umm_task_exit(task);
		prefault_ram();
	}
}

void model_stop(void)
{
	char text[4096];
	int found = umm_verify(machine, text, sizeof(text));

	if (found)
		cannot_run("the machine contradicts itself after the measurements:\n%s", text);
	umm_machine_destroy(machine);
	machine = NULL;
}

/* ---- pages ---- */

struct share {
	struct umm_task *tasks[8];
	uint64_t base, pages; /* of each thread */
};

static void touch_share(void *arg, uint32_t i)
{
	const struct share *share = arg;

	touch_pages(share->tasks[i], share->base + i * share->pages * PAGE, share->pages);
}

double model_first_touch(const struct work *work)
{
	struct share share = { .pages = work->pages / work->threads };
	double ns;

	share.tasks[0] = new_process();
	share.base = map_pages(share.tasks[0], work->pages);
	for (uint32_t i = 1; i < work->threads; i++) {
		int err = umm_thread_create(share.tasks[0], &share.tasks[i]);

		check(!err, "thread", err);
	}
	ns = run_threads(work, &(struct thread_work){ .fn = touch_share, .arg = &share });
	for (uint32_t i = work->threads; i-- > 0;)
		umm_task_exit(share.tasks[i]);
	return ns / (double)(share.pages * work->threads);
}

/* The same memory again and again: what the processor's caches hold of it stays there. */
double model_touch_memory(const struct work *work)
{
	struct umm_task *task = new_process();
	double ns = 0;

	for (uint32_t round = 0; round < work->rounds; round++) {
		uint64_t addr = map_pages(task, work->pages);
		double begin = now_ns();
		int err;

		touch_pages(task, addr, work->pages);
		ns += now_ns() - begin;
		err = umm_munmap(task, addr, work->pages * PAGE);
		check(!err, "munmap", err);
	}
	umm_task_exit(task);
	return ns / ((double)work->rounds * (double)work->pages);
}

struct forks {
	struct umm_task *parents[8], *children[8];
	uint64_t pages; /* of each */
};

static void prepare_parent(void *arg, uint32_t i)
{
	struct forks *forks = arg;
	uint64_t addr;

	forks->parents[i] = new_process_touched(forks->pages, &addr);
}

static void fork_share(void *arg, uint32_t i)
{
	struct forks *forks = arg;
	int err = umm_fork(forks->parents[i], &forks->children[i]);

	check(!err, "fork", err);
}

double model_fork(const struct work *work)
{
	struct forks forks = { .pages = work->pages / work->threads };
	double ns = run_threads(work, &(struct thread_work){ prepare_parent, fork_share, &forks });

	for (uint32_t i = 0; i < work->threads; i++) {
		umm_task_exit(forks.children[i]);
		umm_task_exit(forks.parents[i]);
	}
	return ns / (double)work->pages;
}

double model_cow(const struct work *work)
{
	uint64_t addr;
	struct umm_task *task = new_process_touched(work->pages, &addr);
	struct umm_task *child;
	int err = umm_fork(task, &child);
	double begin, ns;

	check(!err, "fork", err);
	begin = now_ns();
	touch_pages(task, addr, work->pages);
	ns = now_ns() - begin;
	umm_task_exit(child);
	umm_task_exit(task);
	return ns / (double)work->pages;
}

double model_munmap(const struct work *work)
{
	uint64_t addr;
	struct umm_task *task = new_process_touched(work->pages, &addr);
	double begin = now_ns(), ns;
	int err = umm_munmap(task, addr, work->pages * PAGE);

	ns = now_ns() - begin;
	check(!err, "munmap", err);
	umm_task_exit(task);
	return ns / (double)work->pages;
}

double model_mprotect(const struct work *work)
{
	uint64_t addr;
	struct umm_task *task = new_process_touched(work->pages, &addr);
	double begin = now_ns(), ns;
	int err = umm_mprotect(task, addr, work->pages * PAGE, PROT_READ);

	if (!err)
		err = umm_mprotect(task, addr, work->pages * PAGE, PROT_READ | PROT_WRITE);
	ns = now_ns() - begin;
	check(!err, "mprotect", err);
	umm_task_exit(task);
	return ns / (double)(2 * work->pages);
}

double model_pagemap(const struct work *work)
{
	uint64_t addr;
	struct umm_task *task = new_process_touched(work->pages, &addr);
	uint64_t *words = malloc(work->pages * sizeof(*words));
	double begin, ns;
	int err;

	if (!words)
		cannot_run("out of memory");
	memset(words, 1, work->pages * sizeof(*words));
	begin = now_ns();
	err = umm_proc_pagemap(task, addr, work->pages, words);
	ns = now_ns() - begin;
	check(!err, "pagemap", err);
	free(words);
	umm_task_exit(task);
	return ns / (double)work->pages;
}

/* ---- loads ---- */

/* A chase of simulated addresses over the pages at addr. */
static void store_chase(struct umm_task *task, uint64_t addr, uint64_t pages)
{
	uint64_t lines = pages * PAGE / CHASE_STRIDE;
	uint32_t *next = malloc(lines * sizeof(*next));
	int err = 0;

	if (!next)
		cannot_run("out of memory");
	chase_cycle(next, lines);
	for (uint64_t i = 0; i < lines; i++)
		err |= umm_store(task, addr + i * CHASE_STRIDE, 8, addr + next[i], NULL);
	check(!err, "store", err);
	free(next);
}

struct loads {
	struct umm_task *tasks[8];
	uint64_t addr, bytes;
	uint32_t nr;
};

static void chase(void *arg, uint32_t i)
{
	const struct loads *loads = arg;
	struct umm_task *task = loads->tasks[i];
	/* Threads start at different places of one cycle. */
	uint64_t at = loads->addr + i * (loads->bytes / 2);
	int err = 0;

	for (uint32_t n = loads->nr; n > 0; n--)
		err |= umm_load(task, at, 8, &at, NULL);
	check(!err, "load", err);
}

static void load_in_order(void *arg, uint32_t i)
{
	const struct loads *loads = arg;
	struct umm_task *task = loads->tasks[i];
	uint64_t offset = 0, value;
	int err = 0;

	for (uint32_t n = loads->nr; n > 0; n--) {
		err |= umm_load(task, loads->addr + offset, 8, &value, NULL);
		offset = (offset + CHASE_STRIDE) & (loads->bytes - 1);
	}
	check(!err, "load", err);
}

static double measure_loads(const struct work *work, void (*fn)(void *arg, uint32_t i))
{
	struct loads loads = { .bytes = work->pages * PAGE, .nr = work->rounds };
	double ns;

	loads.tasks[0] = new_process();
	loads.addr = map_pages(loads.tasks[0], work->pages);
	store_chase(loads.tasks[0], loads.addr, work->pages);
	for (uint32_t i = 1; i < work->threads; i++) {
		int err = umm_thread_create(loads.tasks[0], &loads.tasks[i]);

		check(!err, "thread", err);
	}
	/* Once unmeasured: every translation is cached, every line is where it will be. */
	ns = run_threads(work, &(struct thread_work){ fn, fn, &loads });
	for (uint32_t i = work->threads; i-- > 0;)
		umm_task_exit(loads.tasks[i]);
	return ns / ((double)work->rounds * work->threads);
}

double model_load(const struct work *work)
{
	return measure_loads(work, chase);
}

double model_load_independent(const struct work *work)
{
	return measure_loads(work, load_in_order);
}
