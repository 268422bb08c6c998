/* SPDX-License-Identifier: MIT */
/* The model's side: files, shared memory, swap, reclaim. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "model_internal.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static int new_file(struct umm_task *task, uint64_t pages)
{
	int fd = umm_memfd_create(task, "bench", 0);
	int err;

	check(fd >= 0, "memfd_create", fd);
	err = umm_ftruncate(task, fd, (int64_t)(pages * PAGE));
	check(!err, "ftruncate", err);
	return fd;
}

static uint64_t map_file(struct umm_task *task, int fd, uint64_t pages)
{
	int64_t addr = umm_mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(addr > 0, "mmap of a file", addr);
	return (uint64_t)addr;
}

static void read_pages(struct umm_task *task, uint64_t addr, uint64_t pages)
{
	uint64_t value;
	int err = 0;

	for (uint64_t i = 0; i < pages; i++)
		err |= umm_load(task, addr + i * PAGE, 1, &value, NULL);
	check(!err, "load", err);
}

static void unmap(struct umm_task *task, uint64_t addr, uint64_t pages)
{
	int err = umm_munmap(task, addr, pages * PAGE);

	check(!err, "munmap", err);
}

/* ---- faults ---- */

static double file_fault(const struct work *work,
			 void (*touch)(struct umm_task *task, uint64_t addr, uint64_t pages))
{
	struct umm_task *task = new_process();
	int fd = new_file(task, work->pages);
	uint64_t addr = map_file(task, fd, work->pages);
	double begin, ns;

	touch_pages(task, addr, work->pages);
	unmap(task, addr, work->pages);
	addr = map_file(task, fd, work->pages);
	begin = now_ns();
	touch(task, addr, work->pages);
	ns = now_ns() - begin;
	umm_task_exit(task);
	return ns / (double)work->pages;
}

double model_file_read(const struct work *work)
{
	return file_fault(work, read_pages);
}

double model_file_write(const struct work *work)
{
	return file_fault(work, touch_pages);
}

double model_truncate(const struct work *work)
{
	struct umm_task *task = new_process();
	int fd = new_file(task, work->pages), err;
	uint64_t addr = map_file(task, fd, work->pages);
	double begin, ns;

	touch_pages(task, addr, work->pages);
	begin = now_ns();
	err = umm_ftruncate(task, fd, 0);
	ns = now_ns() - begin;
	check(!err, "ftruncate", err);
	umm_task_exit(task);
	return ns / (double)work->pages;
}

/* One page under work->rounds mappings is punched out of the file. */
double model_unmap_all(const struct work *work)
{
	struct umm_task *task = new_process();
	int fd = new_file(task, 1), err;
	double begin, ns;

	for (uint32_t i = 0; i < work->rounds; i++)
		touch_pages(task, map_file(task, fd, 1), 1);
	begin = now_ns();
	err = umm_fallocate(task, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
	ns = now_ns() - begin;
	check(!err, "fallocate", err);
	umm_task_exit(task);
	return ns / (double)work->rounds;
}

double model_fork_shared(const struct work *work)
{
	struct umm_task *task = new_process(), *child;
	int fd = new_file(task, work->pages), err;
	uint64_t addr = map_file(task, fd, work->pages);
	double begin, ns;

	touch_pages(task, addr, work->pages);
	begin = now_ns();
	err = umm_fork(task, &child);
	ns = now_ns() - begin;
	check(!err, "fork", err);
	umm_task_exit(child);
	umm_task_exit(task);
	return ns / (double)work->pages;
}

/* ---- swap ---- */

/* An area of the machine's own memory: no disk is in these numbers. */
void start_swapping(uint64_t pages)
{
	static uint64_t area_pages;
	int area;

	if (area_pages >= 2 * pages)
		return;
	area = umm_swap_create(machine, 2 * pages + 16, -1);
	check(area >= 0, "swapon", area);
	area_pages = 2 * pages;
}

void page_out(struct umm_task *task, uint64_t addr, uint64_t pages)
{
	int err = umm_madvise(task, addr, pages * PAGE, MADV_PAGEOUT);

	check(!err, "madvise", err);
}

double model_swap_out(const struct work *work)
{
	struct umm_task *task;
	uint64_t addr;
	double begin, ns;

	start_swapping(work->pages);
	task = new_process_touched(work->pages, &addr);
	begin = now_ns();
	page_out(task, addr, work->pages);
	ns = now_ns() - begin;
	umm_task_exit(task);
	return ns / (double)work->pages;
}

double model_swap_in(const struct work *work)
{
	struct umm_task *task;
	uint64_t addr;
	double begin, ns;

	start_swapping(work->pages);
	task = new_process_touched(work->pages, &addr);
	page_out(task, addr, work->pages);
	begin = now_ns();
	read_pages(task, addr, work->pages);
	ns = now_ns() - begin;
	umm_task_exit(task);
	return ns / (double)work->pages;
}

/*
 * Reclaim: a group that may have an n-th of the pages goes through all of them, again and again;
 * almost every write brings a page in and sends another out.
 */
static double overcommit(const struct work *work, uint64_t factor)
{
	static int group;
	struct umm_task *task;
	uint64_t addr, limit = work->pages / factor * PAGE;
	double begin, ns;
	int64_t got;
	int err;

	start_swapping(work->pages);
	if (!group) {
		group = umm_group_create(machine, limit);
		check(group > 0, "group", group);
	}
	err = umm_group_set_limit(machine, group, limit);
	check(!err, "group limit", err);
	task = new_process();
	err = umm_group_join(task, group);
	check(!err, "group", err);
	got = umm_mmap(task, 0, work->pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(got > 0, "mmap", got);
	addr = (uint64_t)got;
	touch_pages(task, addr, work->pages);
	begin = now_ns();
	touch_pages(task, addr, work->pages);
	ns = now_ns() - begin;
	umm_task_exit(task);
	return ns / (double)work->pages;
}

double model_overcommit_2(const struct work *work)
{
	return overcommit(work, 2);
}

double model_overcommit_10(const struct work *work)
{
	return overcommit(work, 10);
}
