/* SPDX-License-Identifier: MIT */
/* Plain memory: the same bytes touched without anybody's help, on 4 KiB pages of the host. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define PAGE 4096u

/* Prefaulted, so that a measurement meets no page fault. */
static char *memory_alloc(uint64_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		cannot_run("no %llu bytes of memory: %s", (unsigned long long)bytes,
			   strerror(errno));
	madvise(p, bytes, MADV_NOHUGEPAGE);
	memset(p, 1, bytes);
	return p;
}

double plain_memset(const struct work *work)
{
	char *p = memory_alloc(work->pages * PAGE);
	double begin = now_ns(), ns;

	for (uint32_t round = 0; round < work->rounds; round++) {
		for (uint64_t i = 0; i < work->pages; i++) {
			memset(p + i * PAGE, 0, PAGE);
			__asm__ volatile("" : : "r"(p) : "memory");
		}
	}
	ns = now_ns() - begin;
	munmap(p, work->pages * PAGE);
	return ns / ((double)work->rounds * (double)work->pages);
}

double plain_memcpy(const struct work *work)
{
	char *src = memory_alloc(work->pages * PAGE), *dst = memory_alloc(work->pages * PAGE);
	double begin = now_ns(), ns;

	for (uint64_t i = 0; i < work->pages; i++) {
		memcpy(dst + i * PAGE, src + i * PAGE, PAGE);
		__asm__ volatile("" : : "r"(dst) : "memory");
	}
	ns = now_ns() - begin;
	munmap(src, work->pages * PAGE);
	munmap(dst, work->pages * PAGE);
	return ns / (double)work->pages;
}

struct loads {
	char *base;
	uint64_t bytes;
	uint32_t nr;
};

static void chase(void *arg, uint32_t i)
{
	const struct loads *loads = arg;
	char *at = loads->base + i * (loads->bytes / 2);

	for (uint32_t n = loads->nr; n > 0; n--)
		at = *(char *volatile *)(void *)at;
	__asm__ volatile("" : : "r"(at));
}

static void load_in_order(void *arg, uint32_t i)
{
	const struct loads *loads = arg;
	uint64_t offset = i * (loads->bytes / 2);

	for (uint32_t n = loads->nr; n > 0; n--) {
		(void)*(volatile uint64_t *)(void *)(loads->base + offset);
		offset = (offset + CHASE_STRIDE) & (loads->bytes - 1);
	}
}

static double measure_loads(const struct work *work, void (*fn)(void *arg, uint32_t i))
{
	struct loads loads = { .bytes = work->pages * PAGE, .nr = work->rounds };
	uint64_t lines = loads.bytes / CHASE_STRIDE;
	uint32_t *next = malloc(lines * sizeof(*next));
	double ns;

	if (!next)
		cannot_run("out of memory");
	loads.base = memory_alloc(loads.bytes);
	chase_cycle(next, lines);
	for (uint64_t i = 0; i < lines; i++)
		*(char **)(void *)(loads.base + i * CHASE_STRIDE) = loads.base + next[i];
	ns = run_threads(work, &(struct thread_work){ fn, fn, &loads });
	munmap(loads.base, loads.bytes);
	free(next);
	return ns / ((double)work->rounds * work->threads);
}

double plain_load(const struct work *work)
{
	return measure_loads(work, chase);
}

double plain_load_independent(const struct work *work)
{
	return measure_loads(work, load_in_order);
}
