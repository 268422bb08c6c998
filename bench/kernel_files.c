/* SPDX-License-Identifier: MIT */
/* The kernel's side: files, shared memory and swap. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_internal.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static int new_file(uint64_t pages)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0 || fallocate(fd, 0, 0, (off_t)(pages * PAGE)))
		cannot_run("the kernel makes no file of %llu pages: %s", (unsigned long long)pages,
			   strerror(errno));
	return fd;
}

static volatile char *map_file(int fd, uint64_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		cannot_run("mmap of a file: %s", strerror(errno));
	return p;
}

static void write_pages(volatile char *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

static void read_pages(volatile char *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		(void)p[i * PAGE];
}

static void unmap(volatile char *p, uint64_t pages)
{
	if (munmap((void *)(uintptr_t)p, pages * PAGE))
		cannot_run("munmap: %s", strerror(errno));
}

/* ---- faults ---- */

static double file_fault(const struct work *work, void (*touch)(volatile char *p, uint64_t pages))
{
	int fd = new_file(work->pages);
	volatile char *p = map_file(fd, work->pages);
	double begin, ns;

	write_pages(p, work->pages);
	unmap(p, work->pages);
	p = map_file(fd, work->pages);
	begin = now_ns();
	touch(p, work->pages);
	ns = now_ns() - begin;
	unmap(p, work->pages);
	close(fd);
	return ns / (double)work->pages;
}

double kernel_file_read(const struct work *work)
{
	return file_fault(work, read_pages);
}

double kernel_file_write(const struct work *work)
{
	return file_fault(work, write_pages);
}

double kernel_truncate(const struct work *work)
{
	int fd = new_file(work->pages);
	volatile char *p = map_file(fd, work->pages);
	double begin, ns;

	write_pages(p, work->pages);
	begin = now_ns();
	if (ftruncate(fd, 0))
		cannot_run("ftruncate: %s", strerror(errno));
	ns = now_ns() - begin;
	unmap(p, work->pages);
	close(fd);
	return ns / (double)work->pages;
}

/* One page under work->rounds mappings is punched out of the file. */
double kernel_unmap_all(const struct work *work)
{
	int fd = new_file(1);
	volatile char **mappings = malloc(work->rounds * sizeof(*mappings));
	double begin, ns;

	if (!mappings)
		cannot_run("out of memory");
	for (uint32_t i = 0; i < work->rounds; i++) {
		mappings[i] = map_file(fd, 1);
		mappings[i][0] = 1;
	}
	begin = now_ns();
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE))
		cannot_run("fallocate: %s", strerror(errno));
	ns = now_ns() - begin;
	for (uint32_t i = 0; i < work->rounds; i++)
		unmap(mappings[i], 1);
	free(mappings);
	close(fd);
	return ns / (double)work->rounds;
}

double kernel_fork_shared(const struct work *work)
{
	int fd = new_file(work->pages);
	volatile char *p = map_file(fd, work->pages);
	double begin, ns;
	pid_t pid;

	write_pages(p, work->pages);
	begin = now_ns();
	pid = fork();
	if (pid == 0)
		_exit(0);
	ns = now_ns() - begin;
	if (pid < 0)
		cannot_run("fork: %s", strerror(errno));
	waitpid(pid, NULL, 0);
	unmap(p, work->pages);
	close(fd);
	return ns / (double)work->pages;
}

/* ---- swap ---- */

#define SWAP_LOCK "/run/lock/usermm-swap.lock"

static char swap_path[] = "/var/tmp/usermm-bench.XXXXXX";
static bool swapping;

/* A file that the kernel takes for a swap area: a header, and no holes. */
static int make_swap_file(uint64_t pages)
{
	static char page[PAGE];
	static const char magic[10] = { 'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2' };
	uint32_t words[3] = { 1, (uint32_t)(pages - 1), 0 };
	int fd = mkstemp(swap_path);

	if (fd < 0)
		return -1;
	for (uint64_t i = 1; i < pages; i++) {
		if (pwrite(fd, page, sizeof(page), (off_t)(i * PAGE)) != PAGE)
			return -1;
	}
	memcpy(page + 1024, words, sizeof(words));
	memcpy(page + sizeof(page) - sizeof(magic), magic, sizeof(magic));
	if (pwrite(fd, page, sizeof(page), 0) != PAGE || fsync(fd))
		return -1;
	return close(fd);
}

void kernel_swap_start(uint64_t pages)
{
	int lock;

	if (swapping)
		return;
	/* Scenarios that run on the kernel must not find swap that they do not expect. */
	lock = open(SWAP_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock < 0 || flock(lock, LOCK_EX))
		cannot_run(SWAP_LOCK ": %s", strerror(errno));
	if (make_swap_file(2 * pages + 16) || swapon(swap_path, 0))
		cannot_run("no swap here: %s", strerror(errno));
	swapping = true;
}

void kernel_swap_stop(void)
{
	if (!swapping)
		return;
	(void)swapoff(swap_path);
	(void)unlink(swap_path);
	swapping = false;
}

static volatile char *anonymous(uint64_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED)
		cannot_run("mmap: %s", strerror(errno));
	write_pages(p, pages);
	return p;
}

static void page_out(volatile char *p, uint64_t pages)
{
	if (madvise((void *)(uintptr_t)p, pages * PAGE, MADV_PAGEOUT))
		cannot_run("MADV_PAGEOUT: %s", strerror(errno));
}

double kernel_swap_out(const struct work *work)
{
	volatile char *p;
	double begin, ns;

	kernel_swap_start(work->pages);
	p = anonymous(work->pages);
	begin = now_ns();
	page_out(p, work->pages);
	ns = now_ns() - begin;
	unmap(p, work->pages);
	return ns / (double)work->pages;
}

double kernel_swap_in(const struct work *work)
{
	volatile char *p;
	double begin, ns;

	kernel_swap_start(work->pages);
	p = anonymous(work->pages);
	page_out(p, work->pages);
	begin = now_ns();
	read_pages(p, work->pages);
	ns = now_ns() - begin;
	unmap(p, work->pages);
	return ns / (double)work->pages;
}

/* ---- reclaim ---- */

#define GROUPS "/sys/fs/cgroup/memory"

static bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* In the group at path. Does not return. */
static void overcommit_child(char path[128], uint64_t pages, uint64_t limit_bytes, double *ret_ns)
{
	volatile char *p;
	char text[32];
	double begin;

	snprintf(path + strlen(path), 64, "/memory.limit_in_bytes");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)limit_bytes);
	if (!put_text(path, text))
		_exit(1);
	snprintf(strrchr(path, '/'), 64, "/cgroup.procs");
	if (!put_text(path, "0"))
		_exit(1);
	p = anonymous(pages);
	begin = now_ns();
	write_pages(p, pages);
	*ret_ns = now_ns() - begin;
	_exit(0);
}

/* The same in a memory cgroup; a child does it, so that the group is empty afterwards. */
static int overcommit_once(uint64_t pages, uint64_t limit_bytes, double *ret_ns)
{
	char path[128];
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), GROUPS "/usermm-bench.%d", (int)getpid());
	if (mkdir(path, 0700))
		cannot_run("no memory cgroup here: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		overcommit_child(path, pages, limit_bytes, ret_ns);
	waitpid(pid, &status, 0);
	rmdir(path);
	return pid < 0 ? -1 : status;
}

static double overcommit(const struct work *work, uint64_t factor)
{
	double *ns = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = SIGKILL;
	double result;

	if (ns == MAP_FAILED)
		cannot_run("mmap: %s", strerror(errno));
	kernel_swap_start(work->pages);
	/* A group this small runs out of memory when the disk is slow. */
	for (int tries = 0; tries < 5 && status == SIGKILL; tries++)
		status = overcommit_once(work->pages, work->pages / factor * PAGE, ns);
	result = *ns;
	munmap(ns, PAGE);
	if (status)
		cannot_run("the memory cgroup cannot be used (status %#x)", (unsigned)status);
	return result / (double)work->pages;
}

double kernel_overcommit_2(const struct work *work)
{
	return overcommit(work, 2);
}

double kernel_overcommit_10(const struct work *work)
{
	return overcommit(work, 10);
}
