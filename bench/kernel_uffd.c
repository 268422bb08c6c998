/* SPDX-License-Identifier: MIT */
/* The kernel's side: what a userfaultfd handler does to memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define PAGE 4096u

static char *map(uint64_t pages, int flags, int fd)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		cannot_run("mmap: %s", strerror(errno));
	return p;
}

static void touch(volatile char *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

static void unmap(char *p, uint64_t pages)
{
	if (munmap(p, pages * PAGE))
		cannot_run("munmap: %s", strerror(errno));
}

static void ioctl_of(int fd, unsigned long command, void *arg, const char *what)
{
	if (ioctl(fd, command, arg))
		cannot_run("%s: %s", what, strerror(errno));
}

static uint64_t address_of(const char *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int register_pages(const char *p, uint64_t pages, uint64_t mode)
{
	struct uffdio_register reg = { .range = { address_of(p), pages * PAGE }, .mode = mode };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		cannot_run("userfaultfd: %s", strerror(errno));
	ioctl_of(fd, UFFDIO_API, &api, "UFFDIO_API");
	ioctl_of(fd, UFFDIO_REGISTER, &reg, "UFFDIO_REGISTER");
	return fd;
}

static void protect(int fd, const char *p, uint64_t pages, uint64_t mode)
{
	struct uffdio_writeprotect wp = { .range = { address_of(p), pages * PAGE }, .mode = mode };

	ioctl_of(fd, UFFDIO_WRITEPROTECT, &wp, "UFFDIO_WRITEPROTECT");
}

static double protect_and_back(char *p, const struct work *work)
{
	int fd = register_pages(p, work->pages, UFFDIO_REGISTER_MODE_WP);
	double begin, ns;

	for (int warm = 0; warm < 2; warm++) {
		begin = now_ns();
		protect(fd, p, work->pages, UFFDIO_WRITEPROTECT_MODE_WP);
		protect(fd, p, work->pages, 0);
		ns = now_ns() - begin;
	}
	close(fd);
	unmap(p, work->pages);
	return ns / 2 / (double)work->pages;
}

double kernel_uffd_protect(const struct work *work)
{
	char *p = map(work->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	touch(p, work->pages);
	return protect_and_back(p, work);
}

double kernel_uffd_protect_none(const struct work *work)
{
	return protect_and_back(map(work->pages, MAP_SHARED | MAP_ANONYMOUS, -1), work);
}

double kernel_uffd_copy(const struct work *work)
{
	char *src = map(work->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *dst = map(work->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = register_pages(dst, work->pages, UFFDIO_REGISTER_MODE_MISSING);
	struct uffdio_copy copy = {
		.dst = address_of(dst),
		.src = address_of(src),
		.len = work->pages * PAGE,
	};
	double begin, ns;

	touch(src, work->pages);
	begin = now_ns();
	ioctl_of(fd, UFFDIO_COPY, &copy, "UFFDIO_COPY");
	ns = now_ns() - begin;
	close(fd);
	unmap(src, work->pages);
	unmap(dst, work->pages);
	return ns / (double)work->pages;
}

double kernel_uffd_continue(const struct work *work)
{
	int file = memfd_create("bench", MFD_CLOEXEC);
	struct uffdio_continue cont;
	double begin, ns;
	char *other, *p;
	int fd;

	if (file < 0 || ftruncate(file, (off_t)(work->pages * PAGE)))
		cannot_run("memfd: %s", strerror(errno));
	other = map(work->pages, MAP_SHARED, file);
	touch(other, work->pages);
	p = map(work->pages, MAP_SHARED, file);
	fd = register_pages(p, work->pages, UFFDIO_REGISTER_MODE_MINOR);
	cont = (struct uffdio_continue){ .range = { address_of(p), work->pages * PAGE } };
	begin = now_ns();
	ioctl_of(fd, UFFDIO_CONTINUE, &cont, "UFFDIO_CONTINUE");
	ns = now_ns() - begin;
	close(fd);
	close(file);
	unmap(other, work->pages);
	unmap(p, work->pages);
	return ns / (double)work->pages;
}
