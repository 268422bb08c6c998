/* SPDX-License-Identifier: MIT */
/* The model's side: what a userfaultfd handler does to memory. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "model_internal.h"

struct area {
	struct umm_task *task;
	int fd;
	uint64_t addr, src; /* registered; to copy from */
};

static void ioctl_of(const struct area *area, uint64_t command, void *arg, const char *what)
{
	int err = umm_ioctl(area->task, area->fd, command, arg);

	check(!err, what, err);
}

static uint64_t map(struct umm_task *task, uint64_t pages, int flags, int fd)
{
	int64_t addr = umm_mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	check(addr > 0, "mmap", addr);
	return (uint64_t)addr;
}

/* A process with `pages` registered at addr. */
static void area_register(struct area *area, uint64_t pages, uint64_t mode)
{
	struct uffdio_register reg = { .range = { area->addr, pages * PAGE }, .mode = mode };
	struct uffdio_api api = { .api = UFFD_API };

	area->fd = umm_userfaultfd(area->task, O_NONBLOCK);
	check(area->fd >= 0, "userfaultfd", area->fd);
	ioctl_of(area, UFFDIO_API, &api, "UFFDIO_API");
	ioctl_of(area, UFFDIO_REGISTER, &reg, "UFFDIO_REGISTER");
}

static void protect(const struct area *area, uint64_t pages, uint64_t mode)
{
	struct uffdio_writeprotect wp = { .range = { area->addr, pages * PAGE }, .mode = mode };

	ioctl_of(area, UFFDIO_WRITEPROTECT, &wp, "UFFDIO_WRITEPROTECT");
}

static double protect_and_back(struct area *area, const struct work *work)
{
	double begin, ns;

	area_register(area, work->pages, UFFDIO_REGISTER_MODE_WP);
	/* Once ahead: tables that are needed for markers are there. */
	for (int warm = 0; warm < 2; warm++) {
		begin = now_ns();
		protect(area, work->pages, UFFDIO_WRITEPROTECT_MODE_WP);
		protect(area, work->pages, 0);
		ns = now_ns() - begin;
	}
	umm_task_exit(area->task);
	return ns / 2 / (double)work->pages;
}

double model_uffd_protect(const struct work *work)
{
	struct area area = { 0 };

	area.task = new_process_touched(work->pages, &area.addr);
	return protect_and_back(&area, work);
}

double model_uffd_protect_none(const struct work *work)
{
	struct area area = { .task = new_process() };

	area.addr = map(area.task, work->pages, MAP_SHARED | MAP_ANONYMOUS, -1);
	return protect_and_back(&area, work);
}

double model_uffd_copy(const struct work *work)
{
	struct area area = { 0 };
	struct uffdio_copy copy;
	double begin, ns;

	area.task = new_process_touched(work->pages, &area.src);
	area.addr = map(area.task, work->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area_register(&area, work->pages, UFFDIO_REGISTER_MODE_MISSING);
	copy = (struct uffdio_copy){ .dst = area.addr, .src = area.src, .len = work->pages * PAGE };
	begin = now_ns();
	ioctl_of(&area, UFFDIO_COPY, &copy, "UFFDIO_COPY");
	ns = now_ns() - begin;
	umm_task_exit(area.task);
	return ns / (double)work->pages;
}

double model_uffd_continue(const struct work *work)
{
	struct area area = { .task = new_process() };
	struct uffdio_continue cont;
	double begin, ns;
	uint64_t other;
	int file = umm_memfd_create(area.task, "bench", 0);
	int err = umm_ftruncate(area.task, file, (int64_t)(work->pages * PAGE));

	check(!err, "ftruncate", err);
	other = map(area.task, work->pages, MAP_SHARED, file);
	touch_pages(area.task, other, work->pages);
	area.addr = map(area.task, work->pages, MAP_SHARED, file);
	area_register(&area, work->pages, UFFDIO_REGISTER_MODE_MINOR);
	cont = (struct uffdio_continue){ .range = { area.addr, work->pages * PAGE } };
	begin = now_ns();
	ioctl_of(&area, UFFDIO_CONTINUE, &cont, "UFFDIO_CONTINUE");
	ns = now_ns() - begin;
	umm_task_exit(area.task);
	return ns / (double)work->pages;
}
