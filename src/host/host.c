/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"
#include "base/assert.h"

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_CHUNK 1024

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* ---- address space ---- */

static void *slot_base(unsigned slot)
{
	return (void *)(uintptr_t)(ARENA_BASE + slot * ARENA_SLOT_BYTES);
}

int host_arena_reserve(unsigned slot, void **ret_base)
{
	void *want = slot_base(slot);
	void *got;

	VM_BUG_ON2(slot >= ARENA_SLOTS, slot, ARENA_SLOTS);
	got = mmap(want, ARENA_SLOT_BYTES, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == MAP_FAILED)
		return errno == EEXIST ? -EBUSY : -errno;
	if (got != want) {
		/* A host too old for MAP_FIXED_NOREPLACE takes the address as a hint. */
		munmap(got, ARENA_SLOT_BYTES);
		return -EBUSY;
	}
	*ret_base = got;
	return 0;
}

int host_arena_commit(void *addr, u64 bytes)
{
	return mprotect(addr, bytes, PROT_READ | PROT_WRITE) ? -errno : 0;
}

int host_arena_discard(void *addr, u64 bytes)
{
	return madvise(addr, bytes, MADV_DONTNEED) ? -errno : 0;
}

void host_arena_release(unsigned slot)
{
	VM_BUG_ON2(slot >= ARENA_SLOTS, slot, ARENA_SLOTS);
	munmap(slot_base(slot), ARENA_SLOT_BYTES);
}

static int read_pagemap(int fd, const void *addr, u64 nr_pages, u8 *ret_vec)
{
	u64 entries[PAGEMAP_CHUNK] = { 0 };
	u64 first = (uintptr_t)addr >> PAGE_SHIFT;

	for (u64 done = 0; done < nr_pages;) {
		u64 nr = MIN(nr_pages - done, PAGEMAP_CHUNK);
		int error = host_pread(fd, entries, nr * sizeof(u64), (first + done) * sizeof(u64));

		if (error)
			return error;
		for (u64 i = 0; i < nr; i++)
			ret_vec[done + i] = (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0;
		done += nr;
	}
	return 0;
}

int host_arena_touched(const void *addr, u64 nr_pages, u8 *ret_vec)
{
	int fd = host_open("/proc/self/pagemap", HOST_READ);
	int error = fd;

	VM_BUG_ON(sysconf(_SC_PAGESIZE) != (long)PAGE_SIZE);
	if (fd >= 0) {
		error = read_pagemap(fd, addr, nr_pages, ret_vec);
		host_close(fd);
	}
	/* Without a pagemap every page may hold something: slower, never wrong. */
	if (error)
		memset(ret_vec, 1, nr_pages);
	return 0;
}

int host_arena_populate(void *addr, u64 bytes)
{
	volatile char *p = addr;

	if (madvise(addr, bytes, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	for (u64 i = 0; i < bytes; i += PAGE_SIZE)
		p[i] = p[i];
	return 0;
}

void *host_alloc(u64 bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void host_free(void *ptr, u64 bytes)
{
	if (ptr)
		munmap(ptr, bytes);
}

void *host_stack_alloc(u64 bytes)
{
	char *p = host_alloc(bytes + PAGE_SIZE);

	if (!p)
		return NULL;
	if (mprotect(p, PAGE_SIZE, PROT_NONE)) {
		host_free(p, bytes + PAGE_SIZE);
		return NULL;
	}
	return p + PAGE_SIZE;
}

void host_stack_free(void *stack, u64 bytes)
{
	if (stack)
		munmap((char *)stack - PAGE_SIZE, bytes + PAGE_SIZE);
}

/* ---- files ---- */

int host_open(const char *path, int mode)
{
	int flags = mode == HOST_WRITE ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
	int fd = open(path, flags | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : fd;
}

int host_close(int fd)
{
	return close(fd) ? -errno : 0;
}

int host_pread(int fd, void *buf, u64 len, u64 offset)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = pread(fd, p, MIN(len, 1u << 30), (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EINVAL;
		p += n;
		len -= (u64)n;
		offset += (u64)n;
	}
	return 0;
}

int host_pwrite(int fd, const void *buf, u64 len, u64 offset)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, MIN(len, 1u << 30), (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (u64)n;
		offset += (u64)n;
	}
	return 0;
}

/* ---- time and chance ---- */

u64 host_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
}

u64 host_random_seed(void)
{
	u64 seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = host_monotonic_ns() ^ (u64)getpid() << 32;
	return seed;
}

/* ---- threads ---- */

struct host_thread {
	pthread_t id;
	void (*fn)(void *arg);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct host_thread *thread = arg;

	thread->fn(thread->arg);
	return NULL;
}

int host_thread_start(void (*fn)(void *arg), void *arg, struct host_thread **ret_thread)
{
	struct host_thread *thread = malloc(sizeof(*thread));
	int error;

	if (!thread)
		return -ENOMEM;
	*thread = (struct host_thread){ .fn = fn, .arg = arg };
	error = pthread_create(&thread->id, NULL, thread_main, thread);
	if (error) {
		free(thread);
		return -error;
	}
	*ret_thread = thread;
	return 0;
}

void host_thread_join(struct host_thread *thread)
{
	int error = pthread_join(thread->id, NULL);

	VM_BUG_ON2(error, error, 0);
	free(thread);
}

void host_thread_yield(void)
{
	sched_yield();
}

void host_sleep_ns(u64 ns)
{
	struct timespec time = { .tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u) };

	nanosleep(&time, NULL);
}

/* ---- waiting on a word ---- */

void host_wait(u32 *word, u32 expected)
{
	syscall(SYS_futex, word, FUTEX_WAIT, expected, NULL, NULL, 0);
}

void host_wake(u32 *word, int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE, nr, NULL, NULL, 0);
}

bool host_membarrier_init(void)
{
	long has = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return has > 0 && (has & MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
	       syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void host_membarrier(void)
{
	long error = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);

	VM_BUG_ON2(error, error, errno);
}

/* ---- last words ---- */

_Noreturn void host_die(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	abort();
}

__attribute__((constructor)) static void install_bug_handler(void)
{
	umm_bug_set_handler(host_die);
}
