/* SPDX-License-Identifier: MIT */
/* The model's side: faults that a userfaultfd handler resolves, and writes that it tracks. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/uapi.h"
#include "model_internal.h"

/* ---- one page's fault and its answer ---- */

struct rounds {
	struct area area;
	uint64_t src; /* 0: they are write-protect faults */
};

static void resolve(const struct rounds *rounds, uint64_t addr)
{
	struct uffdio_copy copy = { .dst = addr, .len = PAGE };
	struct uffdio_writeprotect wp = { .range = { addr, PAGE } };

	if (!rounds->src) {
		area_ioctl(&rounds->area, UFFDIO_WRITEPROTECT, &wp, "UFFDIO_WRITEPROTECT");
		return;
	}
	copy.src = rounds->src + (addr - rounds->area.addr);
	area_ioctl(&rounds->area, UFFDIO_COPY, &copy, "UFFDIO_COPY");
}

/* A process with an area all of whose pages fault for writing once. */
static void rounds_prepare(struct rounds *rounds, const struct work *work, bool wp,
			   uint64_t features, int flags)
{
	struct area *area = &rounds->area;

	area->pages = work->pages;
	if (wp) {
		area->task = new_process_touched(area->pages, &area->addr);
		area_register(area, features, UFFDIO_REGISTER_MODE_WP, flags);
		area_protect(area, UFFDIO_WRITEPROTECT_MODE_WP);
		return;
	}
	area->task = new_process_touched(area->pages, &rounds->src);
	area->addr = map_memory(area->task, area->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area_register(area, features, UFFDIO_REGISTER_MODE_MISSING, flags);
}

/* ---- a thread that waits for messages ---- */

static void *handler_main(void *arg)
{
	const struct rounds *rounds = arg;

	for (uint64_t i = 0; i < rounds->area.pages; i++) {
		struct uffd_msg msg;
		int64_t got = umm_fd_read(rounds->area.task, rounds->area.fd, &msg, sizeof(msg));

		check(got == (int64_t)sizeof(msg), "read of a message", got);
		resolve(rounds, msg.arg.pagefault.address & ~(uint64_t)(PAGE - 1));
	}
	return NULL;
}

static double rounds_with_thread(const struct work *work, bool wp)
{
	struct rounds rounds = { 0 };
	struct umm_task *writer;
	pthread_t handler;
	double begin, ns;
	int err;

	rounds_prepare(&rounds, work, wp, 0, 0);
	err = umm_thread_create(rounds.area.task, &writer);
	check(!err, "thread", err);
	if (pthread_create(&handler, NULL, handler_main, &rounds))
		cannot_run("no thread can be started here");
	place_pair(handler, work->processors);
	begin = wall_ns();
	touch_pages(writer, rounds.area.addr, work->pages);
	ns = wall_ns() - begin;
	pthread_join(handler, NULL);
	place_back();
	umm_task_exit(writer);
	umm_task_exit(rounds.area.task);
	return ns / (double)work->pages;
}

double model_uffd_missing_wait(const struct work *work)
{
	return rounds_with_thread(work, false);
}

double model_uffd_wp_wait(const struct work *work)
{
	return rounds_with_thread(work, true);
}

/* ---- a signal in the thread itself ---- */

static double rounds_with_signal(const struct work *work, bool wp)
{
	struct rounds rounds = { 0 };
	double begin, ns;

	rounds_prepare(&rounds, work, wp, UFFD_FEATURE_SIGBUS, O_NONBLOCK);
	begin = now_ns();
	for (uint64_t i = 0; i < work->pages; i++) {
		uint64_t addr = rounds.area.addr + i * PAGE;
		struct umm_fault fault;
		int err = umm_store(rounds.area.task, addr, 1, 1, &fault);

		check(err && fault.signo == SIGBUS, "store", err);
		resolve(&rounds, fault.addr & ~(uint64_t)(PAGE - 1));
		err = umm_store(rounds.area.task, addr, 1, 1, NULL);
		check(!err, "store", err);
	}
	ns = now_ns() - begin;
	umm_task_exit(rounds.area.task);
	return ns / (double)work->pages;
}

double model_uffd_missing_sigbus(const struct work *work)
{
	return rounds_with_signal(work, false);
}

double model_uffd_wp_sigbus(const struct work *work)
{
	return rounds_with_signal(work, true);
}

/* ---- tracking ---- */

static int64_t scan(const struct area *area, struct page_region *regions)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = area->addr,
		.end = area->addr + area->pages * PAGE,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = area->pages,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int64_t found = umm_pagemap_scan(area->task, &arg);

	check(found >= 0, "PAGEMAP_SCAN", found);
	return found;
}

static struct page_region *track(struct area *area, const struct work *work)
{
	struct page_region *regions = malloc(work->pages * sizeof(*regions));
	int64_t found;

	if (!regions)
		cannot_run("out of memory");
	memset(regions, 1, work->pages * sizeof(*regions));
	area->pages = work->pages;
	area->task = new_process_touched(area->pages, &area->addr);
	area_register(area, UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
		      UFFDIO_REGISTER_MODE_WP, O_NONBLOCK);
	found = scan(area, regions);
	check(found == 1, "first PAGEMAP_SCAN", found);
	found = scan(area, regions);
	check(found == 0, "second PAGEMAP_SCAN", found);
	return regions;
}

double model_uffd_scan(const struct work *work)
{
	struct area area;
	struct page_region *regions = track(&area, work);
	uint64_t written = 0;
	double begin, ns;
	int64_t found;

	for (uint64_t i = 0; i < work->pages; i += work->rounds, written++)
		touch_pages(area.task, area.addr + i * PAGE, 1);
	begin = now_ns();
	found = scan(&area, regions);
	ns = now_ns() - begin;
	check(found == (work->rounds == 1 ? 1 : (int64_t)written), "PAGEMAP_SCAN", found);
	umm_task_exit(area.task);
	free(regions);
	return ns / (double)work->pages;
}

double model_uffd_async_write(const struct work *work)
{
	struct area area;
	struct page_region *regions = track(&area, work);
	double begin = now_ns(), ns;

	touch_pages(area.task, area.addr, area.pages);
	ns = now_ns() - begin;
	umm_task_exit(area.task);
	free(regions);
	return ns / (double)work->pages;
}
