/* SPDX-License-Identifier: MIT */
/* The model's side: what a userfaultfd handler does to memory. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/uapi.h"
#include "model_internal.h"

void area_ioctl(const struct area *area, uint64_t command, void *arg, const char *what)
{
	int err = umm_ioctl(area->task, area->fd, command, arg);

	check(!err, what, err);
}

uint64_t map_memory(struct umm_task *task, uint64_t pages, int flags, int fd)
{
	int64_t addr = umm_mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	check(addr > 0, "mmap", addr);
	return (uint64_t)addr;
}

const char *model_lacks(enum need need)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct umm_task *task;
	int fd, err;

	if (need == NEEDS_NOTHING)
		return NULL;
	task = new_process();
	fd = umm_userfaultfd(task, O_NONBLOCK);
	err = fd < 0 ? fd : umm_ioctl(task, fd, UFFDIO_API, &api);
	umm_task_exit(task);
	return err ? "this build has no userfaultfd" : uffd_lacks(api.features, need, "this build");
}

void area_register(struct area *area, uint64_t features, uint64_t mode, int flags)
{
	struct uffdio_register reg = { .range = { area->addr, area->pages * PAGE }, .mode = mode };
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	area->fd = umm_userfaultfd(area->task, flags);
	check(area->fd >= 0, "userfaultfd", area->fd);
	area_ioctl(area, UFFDIO_API, &api, "UFFDIO_API");
	area_ioctl(area, UFFDIO_REGISTER, &reg, "UFFDIO_REGISTER");
}

void area_protect(const struct area *area, uint64_t mode)
{
	struct uffdio_writeprotect wp = { .range = { area->addr, area->pages * PAGE },
					  .mode = mode };

	area_ioctl(area, UFFDIO_WRITEPROTECT, &wp, "UFFDIO_WRITEPROTECT");
}

static double protect_and_back(struct area *area)
{
	double begin, ns;

	area_register(area, 0, UFFDIO_REGISTER_MODE_WP, O_NONBLOCK);
	/* Once ahead: tables that are needed for markers are there. */
	for (int warm = 0; warm < 2; warm++) {
		begin = now_ns();
		area_protect(area, UFFDIO_WRITEPROTECT_MODE_WP);
		area_protect(area, 0);
		ns = now_ns() - begin;
	}
	umm_task_exit(area->task);
	return ns / 2 / (double)area->pages;
}

double model_uffd_protect(const struct work *work)
{
	struct area area = { .pages = work->pages };

	area.task = new_process_touched(area.pages, &area.addr);
	return protect_and_back(&area);
}

double model_uffd_protect_none(const struct work *work)
{
	struct area area = { .pages = work->pages, .task = new_process() };

	area.addr = map_memory(area.task, area.pages, MAP_SHARED | MAP_ANONYMOUS, -1);
	return protect_and_back(&area);
}

double model_uffd_protect_swapped(const struct work *work)
{
	struct area area = { .pages = work->pages };

	start_swapping(area.pages);
	area.task = new_process_touched(area.pages, &area.addr);
	page_out(area.task, area.addr, area.pages);
	return protect_and_back(&area);
}

double model_uffd_protect_far(const struct work *work)
{
	struct area area = { .pages = work->pages, .task = new_process() };
	int file = umm_memfd_create(area.task, "bench", 0);
	int err = umm_ftruncate(area.task, file, (int64_t)(area.pages * PAGE));
	double begin, ns;

	check(!err, "ftruncate", err);
	area.addr = map_memory(area.task, area.pages, MAP_SHARED, file);
	area_register(&area, 0, UFFDIO_REGISTER_MODE_WP, O_NONBLOCK);
	begin = now_ns();
	area_protect(&area, UFFDIO_WRITEPROTECT_MODE_WP);
	ns = now_ns() - begin;
	umm_task_exit(area.task);
	return ns / (double)area.pages;
}

double model_uffd_copy(const struct work *work)
{
	struct area area = { .pages = work->pages };
	struct uffdio_copy copy = { .len = work->pages * PAGE };
	double begin, ns;
	uint64_t src;

	area.task = new_process_touched(work->pages, &src);
	area.addr = map_memory(area.task, area.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area_register(&area, 0, UFFDIO_REGISTER_MODE_MISSING, O_NONBLOCK);
	copy.dst = area.addr;
	copy.src = src;
	begin = now_ns();
	area_ioctl(&area, UFFDIO_COPY, &copy, "UFFDIO_COPY");
	ns = now_ns() - begin;
	umm_task_exit(area.task);
	return ns / (double)work->pages;
}

double model_uffd_continue(const struct work *work)
{
	struct area area = { .pages = work->pages, .task = new_process() };
	struct uffdio_continue cont;
	double begin, ns;
	uint64_t other;
	int file = umm_memfd_create(area.task, "bench", 0);
	int err = umm_ftruncate(area.task, file, (int64_t)(work->pages * PAGE));

	check(!err, "ftruncate", err);
	other = map_memory(area.task, work->pages, MAP_SHARED, file);
	touch_pages(area.task, other, work->pages);
	area.addr = map_memory(area.task, work->pages, MAP_SHARED, file);
	area_register(&area, 0, UFFDIO_REGISTER_MODE_MINOR, O_NONBLOCK);
	cont = (struct uffdio_continue){ .range = { area.addr, work->pages * PAGE } };
	begin = now_ns();
	area_ioctl(&area, UFFDIO_CONTINUE, &cont, "UFFDIO_CONTINUE");
	ns = now_ns() - begin;
	umm_task_exit(area.task);
	return ns / (double)work->pages;
}
