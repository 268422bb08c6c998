/* SPDX-License-Identifier: MIT */
/*
 * What it costs to know which pages of shared memory are in swap: the two options that have pagemap
 * tell, against neither. Only the model has them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model_internal.h"
#include "phys/page.h"

enum told { BY_NOBODY, BY_CACHE, BY_ENTRY };

/* Of the machine that serves all measurements; back to neither before it is verified. */
static void set_option(enum told told)
{
	struct umm_config *config = &((struct machine *)machine)->config;

	config->accurate_shmem_swap = told == BY_CACHE;
	config->shmem_swap_bit = told == BY_ENTRY;
}

struct shared {
	struct umm_task *task;
	int file;
	uint64_t addr, pages;
};

/* One page in `every` is written; 0: none. */
static void shared_prepare(struct shared *shared, uint64_t pages, uint64_t every)
{
	int err;

	shared->pages = pages;
	shared->task = new_process();
	shared->file = umm_memfd_create(shared->task, "bench", 0);
	err = umm_ftruncate(shared->task, shared->file, (int64_t)(pages * PAGE));
	check(!err, "ftruncate", err);
	shared->addr = map_memory(shared->task, pages, MAP_SHARED, shared->file);
	for (uint64_t i = 0; every && i < pages; i += every)
		touch_pages(shared->task, shared->addr + i * PAGE, 1);
}

static double read_pagemap(struct umm_task *task, uint64_t addr, uint64_t pages)
{
	uint64_t *words = malloc(pages * sizeof(*words));
	double begin, ns;
	int err;

	if (!words)
		cannot_run("out of memory");
	memset(words, 1, pages * sizeof(*words));
	begin = now_ns();
	err = umm_proc_pagemap(task, addr, pages, words);
	ns = now_ns() - begin;
	check(!err, "pagemap", err);
	free(words);
	return ns;
}

static double swap_all(struct shared *shared)
{
	double begin;

	start_swapping(shared->pages);
	begin = now_ns();
	page_out(shared->task, shared->addr, shared->pages);
	return now_ns() - begin;
}

static double of_sparse(struct shared *shared)
{
	return read_pagemap(shared->task, shared->addr, shared->pages);
}

static double of_swapped(struct shared *shared)
{
	(void)swap_all(shared);
	return read_pagemap(shared->task, shared->addr, shared->pages);
}

/* Where it has never been mapped. */
static double of_mapping(struct shared *shared)
{
	uint64_t other = map_memory(shared->task, shared->pages, MAP_SHARED, shared->file);

	(void)swap_all(shared);
	return read_pagemap(shared->task, other, shared->pages);
}

static double of_fork(struct shared *shared)
{
	struct umm_task *child;
	double begin, ns;
	int err;

	(void)swap_all(shared);
	begin = now_ns();
	err = umm_fork(shared->task, &child);
	ns = now_ns() - begin;
	check(!err, "fork", err);
	umm_task_exit(child);
	return ns;
}

static double measure(const struct work *work, enum told told, uint64_t every,
		      double (*fn)(struct shared *shared))
{
	struct shared shared;
	double ns;

	set_option(told);
	shared_prepare(&shared, work->pages, every);
	ns = fn(&shared);
	umm_task_exit(shared.task);
	set_option(BY_NOBODY);
	return ns / (double)work->pages;
}

#define MEASURES(name, every, fn)                                  \
	double model_shmem_##name(const struct work *work)         \
	{                                                          \
		return measure(work, BY_NOBODY, every, fn);        \
	}                                                          \
	double model_shmem_##name##_cache(const struct work *work) \
	{                                                          \
		return measure(work, BY_CACHE, every, fn);         \
	}                                                          \
	double model_shmem_##name##_entry(const struct work *work) \
	{                                                          \
		return measure(work, BY_ENTRY, every, fn);         \
	}

MEASURES(sparse, 100, of_sparse)
MEASURES(dense, 1, of_sparse)
MEASURES(swapped, 1, of_swapped)
MEASURES(mapping, 1, of_mapping)
MEASURES(fork, 1, of_fork)
MEASURES(out, 1, swap_all)
