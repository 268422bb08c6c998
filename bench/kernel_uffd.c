/* SPDX-License-Identifier: MIT */
/* The kernel's side: what a userfaultfd handler does to memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/uapi.h"
#include "kernel_internal.h"

char *kernel_map(uint64_t pages, int flags, int fd)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		cannot_run("mmap: %s", strerror(errno));
	return p;
}

void kernel_unmap(char *p, uint64_t pages)
{
	if (munmap(p, pages * PAGE))
		cannot_run("munmap: %s", strerror(errno));
}

void kernel_touch(volatile char *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

void kernel_ioctl(int fd, unsigned long command, void *arg, const char *what)
{
	if (ioctl(fd, command, arg))
		cannot_run("%s: %s", what, strerror(errno));
}

uint64_t kernel_address(const char *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int open_userfaultfd(int flags)
{
	return (int)syscall(SYS_userfaultfd, O_CLOEXEC | flags);
}

const char *kernel_lacks(enum need need)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd, err;

	if (need == NEEDS_NOTHING)
		return NULL;
	fd = open_userfaultfd(O_NONBLOCK);
	if (fd < 0)
		return "this kernel gives us no userfaultfd";
	err = ioctl(fd, UFFDIO_API, &api);
	close(fd);
	return err ? "this kernel's userfaultfd is another one" :
		     uffd_lacks(api.features, need, "this kernel");
}

void kernel_register(struct kernel_area *area, uint64_t features, uint64_t mode, int flags)
{
	struct uffdio_register reg = { .range = { kernel_address(area->p), area->pages * PAGE },
				       .mode = mode };
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	area->fd = open_userfaultfd(flags);
	if (area->fd < 0)
		cannot_run("userfaultfd: %s", strerror(errno));
	kernel_ioctl(area->fd, UFFDIO_API, &api, "UFFDIO_API");
	kernel_ioctl(area->fd, UFFDIO_REGISTER, &reg, "UFFDIO_REGISTER");
}

void kernel_protect(const struct kernel_area *area, uint64_t mode)
{
	struct uffdio_writeprotect wp = {
		.range = { kernel_address(area->p), area->pages * PAGE },
		.mode = mode,
	};

	kernel_ioctl(area->fd, UFFDIO_WRITEPROTECT, &wp, "UFFDIO_WRITEPROTECT");
}

void kernel_release(struct kernel_area *area)
{
	close(area->fd);
	kernel_unmap(area->p, area->pages);
}

static double protect_and_back(struct kernel_area *area)
{
	double begin, ns;

	kernel_register(area, 0, UFFDIO_REGISTER_MODE_WP, O_NONBLOCK);
	for (int warm = 0; warm < 2; warm++) {
		begin = now_ns();
		kernel_protect(area, UFFDIO_WRITEPROTECT_MODE_WP);
		kernel_protect(area, 0);
		ns = now_ns() - begin;
	}
	kernel_release(area);
	return ns / 2 / (double)area->pages;
}

double kernel_uffd_protect(const struct work *work)
{
	struct kernel_area area = { .pages = work->pages };

	area.p = kernel_map(area.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	kernel_touch(area.p, area.pages);
	return protect_and_back(&area);
}

double kernel_uffd_protect_none(const struct work *work)
{
	struct kernel_area area = { .pages = work->pages };

	area.p = kernel_map(area.pages, MAP_SHARED | MAP_ANONYMOUS, -1);
	return protect_and_back(&area);
}

double kernel_uffd_protect_swapped(const struct work *work)
{
	struct kernel_area area = { .pages = work->pages };

	kernel_swap_start(work->pages);
	area.p = kernel_map(area.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	kernel_touch(area.p, area.pages);
	if (madvise(area.p, area.pages * PAGE, MADV_PAGEOUT))
		cannot_run("MADV_PAGEOUT: %s", strerror(errno));
	return protect_and_back(&area);
}

double kernel_uffd_protect_far(const struct work *work)
{
	struct kernel_area area = { .pages = work->pages };
	int file = memfd_create("bench", MFD_CLOEXEC);
	double begin, ns;

	if (file < 0 || ftruncate(file, (off_t)(area.pages * PAGE)))
		cannot_run("memfd: %s", strerror(errno));
	area.p = kernel_map(area.pages, MAP_SHARED, file);
	close(file);
	kernel_register(&area, 0, UFFDIO_REGISTER_MODE_WP, O_NONBLOCK);
	begin = now_ns();
	kernel_protect(&area, UFFDIO_WRITEPROTECT_MODE_WP);
	ns = now_ns() - begin;
	kernel_release(&area);
	return ns / (double)area.pages;
}

double kernel_uffd_copy(const struct work *work)
{
	struct kernel_area area = { .pages = work->pages };
	struct uffdio_copy copy = { .len = work->pages * PAGE };
	char *src = kernel_map(work->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	double begin, ns;

	kernel_touch(src, work->pages);
	area.p = kernel_map(area.pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	kernel_register(&area, 0, UFFDIO_REGISTER_MODE_MISSING, O_NONBLOCK);
	copy.dst = kernel_address(area.p);
	copy.src = kernel_address(src);
	begin = now_ns();
	kernel_ioctl(area.fd, UFFDIO_COPY, &copy, "UFFDIO_COPY");
	ns = now_ns() - begin;
	kernel_release(&area);
	kernel_unmap(src, work->pages);
	return ns / (double)work->pages;
}

double kernel_uffd_continue(const struct work *work)
{
	struct kernel_area area = { .pages = work->pages };
	int file = memfd_create("bench", MFD_CLOEXEC);
	struct uffdio_continue cont;
	double begin, ns;
	char *other;

	if (file < 0 || ftruncate(file, (off_t)(work->pages * PAGE)))
		cannot_run("memfd: %s", strerror(errno));
	other = kernel_map(work->pages, MAP_SHARED, file);
	kernel_touch(other, work->pages);
	area.p = kernel_map(work->pages, MAP_SHARED, file);
	close(file);
	kernel_register(&area, 0, UFFDIO_REGISTER_MODE_MINOR, O_NONBLOCK);
	cont = (struct uffdio_continue){ .range = { kernel_address(area.p), work->pages * PAGE } };
	begin = now_ns();
	kernel_ioctl(area.fd, UFFDIO_CONTINUE, &cont, "UFFDIO_CONTINUE");
	ns = now_ns() - begin;
	kernel_release(&area);
	kernel_unmap(other, work->pages);
	return ns / (double)work->pages;
}
