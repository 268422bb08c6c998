/* SPDX-License-Identifier: MIT */
/* The kernel's side: faults that a userfaultfd handler resolves, and writes that it tracks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/uapi.h"
#include "kernel_internal.h"

/* ---- one page's fault and its answer ---- */

/* What faults are answered with; a signal handler has to find it. */
static struct {
	struct kernel_area area;
	char *src; /* NULL: they are write-protect faults */
} rounds;

static void resolve(uint64_t addr)
{
	struct uffdio_copy copy = { .dst = addr, .len = PAGE };
	struct uffdio_writeprotect wp = { .range = { addr, PAGE } };

	if (!rounds.src) {
		kernel_ioctl(rounds.area.fd, UFFDIO_WRITEPROTECT, &wp, "UFFDIO_WRITEPROTECT");
		return;
	}
	copy.src = kernel_address(rounds.src) + (addr - kernel_address(rounds.area.p));
	kernel_ioctl(rounds.area.fd, UFFDIO_COPY, &copy, "UFFDIO_COPY");
}

/* An area all of whose pages fault for writing once. */
static void rounds_prepare(const struct work *work, bool wp, uint64_t features, int flags)
{
	struct kernel_area *area = &rounds.area;

	area->pages = work->pages;
	area->p = kernel_map(area->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	rounds.src = NULL;
	if (wp) {
		kernel_touch(area->p, area->pages);
		kernel_register(area, features, UFFDIO_REGISTER_MODE_WP, flags);
		kernel_protect(area, UFFDIO_WRITEPROTECT_MODE_WP);
		return;
	}
	rounds.src = kernel_map(area->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	kernel_touch(rounds.src, area->pages);
	kernel_register(area, features, UFFDIO_REGISTER_MODE_MISSING, flags);
}

static void rounds_finish(void)
{
	kernel_release(&rounds.area);
	if (rounds.src)
		kernel_unmap(rounds.src, rounds.area.pages);
}

/* ---- a thread that waits for messages ---- */

static void *handler_main(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < rounds.area.pages; i++) {
		struct uffd_msg msg;

		if (read(rounds.area.fd, &msg, sizeof(msg)) != (ssize_t)sizeof(msg))
			cannot_run("read of a message: %s", strerror(errno));
		resolve(msg.arg.pagefault.address & ~(uint64_t)(PAGE - 1));
	}
	return NULL;
}

static double rounds_with_thread(const struct work *work, bool wp)
{
	pthread_t handler;
	double begin, ns;

	rounds_prepare(work, wp, 0, 0);
	if (pthread_create(&handler, NULL, handler_main, NULL))
		cannot_run("no thread can be started here");
	place_pair(handler, work->processors);
	begin = wall_ns();
	kernel_touch(rounds.area.p, work->pages);
	ns = wall_ns() - begin;
	pthread_join(handler, NULL);
	place_back();
	rounds_finish();
	return ns / (double)work->pages;
}

double kernel_uffd_missing_wait(const struct work *work)
{
	return rounds_with_thread(work, false);
}

double kernel_uffd_wp_wait(const struct work *work)
{
	return rounds_with_thread(work, true);
}

/* ---- a signal in the thread itself ---- */

static void on_sigbus(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	resolve((uint64_t)(uintptr_t)info->si_addr & ~(uint64_t)(PAGE - 1));
}

static double rounds_with_signal(const struct work *work, bool wp)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO }, old;
	double begin, ns;

	rounds_prepare(work, wp, UFFD_FEATURE_SIGBUS, O_NONBLOCK);
	sigaction(SIGBUS, &action, &old);
	begin = now_ns();
	kernel_touch(rounds.area.p, work->pages);
	ns = now_ns() - begin;
	sigaction(SIGBUS, &old, NULL);
	rounds_finish();
	return ns / (double)work->pages;
}

double kernel_uffd_missing_sigbus(const struct work *work)
{
	return rounds_with_signal(work, false);
}

double kernel_uffd_wp_sigbus(const struct work *work)
{
	return rounds_with_signal(work, true);
}

/* ---- tracking ---- */

static long scan(const struct kernel_area *area, struct page_region *regions)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = kernel_address(area->p),
		.end = kernel_address(area->p) + area->pages * PAGE,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = area->pages,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	static int fd = -1;
	int found;

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	found = fd < 0 ? -1 : ioctl(fd, PAGEMAP_SCAN, &arg);
	if (found < 0)
		cannot_run("PAGEMAP_SCAN: %s", strerror(errno));
	return found;
}

static struct page_region *track(struct kernel_area *area, const struct work *work)
{
	struct page_region *regions = (void *)kernel_map(work->pages * sizeof(*regions) / PAGE + 1,
							 MAP_PRIVATE | MAP_ANONYMOUS, -1);

	area->pages = work->pages;
	area->p = kernel_map(area->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	kernel_touch(area->p, area->pages);
	kernel_touch((char *)regions, area->pages * sizeof(*regions) / PAGE + 1);
	kernel_register(area, UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
			UFFDIO_REGISTER_MODE_WP, O_NONBLOCK);
	if (scan(area, regions) != 1 || scan(area, regions) != 0)
		cannot_run("PAGEMAP_SCAN does not protect what it finds");
	return regions;
}

static void untrack(struct kernel_area *area, struct page_region *regions)
{
	kernel_unmap((char *)regions, area->pages * sizeof(*regions) / PAGE + 1);
	kernel_release(area);
}

double kernel_uffd_scan(const struct work *work)
{
	struct kernel_area area;
	struct page_region *regions = track(&area, work);
	uint64_t written = 0;
	double begin, ns;
	long found;

	for (uint64_t i = 0; i < work->pages; i += work->rounds, written++)
		((volatile char *)area.p)[i * PAGE] = 2;
	begin = now_ns();
	found = scan(&area, regions);
	ns = now_ns() - begin;
	if (found != (work->rounds == 1 ? 1 : (long)written))
		cannot_run("PAGEMAP_SCAN found %ld regions", found);
	untrack(&area, regions);
	return ns / (double)work->pages;
}

double kernel_uffd_async_write(const struct work *work)
{
	struct kernel_area area;
	struct page_region *regions = track(&area, work);
	double begin = now_ns(), ns;

	kernel_touch(area.p, area.pages);
	ns = now_ns() - begin;
	untrack(&area, regions);
	return ns / (double)work->pages;
}
