/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/uapi.h"
#include "explore/restore.h"
#include "host/host.h"

#if defined(__SANITIZE_ADDRESS__)
#define RESTORE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RESTORE_ASAN 1
#endif
#endif

#ifdef RESTORE_ASAN
void __asan_unpoison_memory_region(const volatile void *p, size_t bytes);
#else
#define __asan_unpoison_memory_region(p, bytes) ((void)(p))
#endif

#define MAX_RANGES 8
#define SIGNAL_STACK_BYTES 65536

struct range {
	u8 *start;
	u64 bytes;
	u8 *copy;    /* of the same size, touched where pages were written */
	u8 *written; /* a flag for each page */
};

static struct {
	struct range ranges[MAX_RANGES];
	unsigned nr_ranges;
	bool armed;
	u64 nr_pages; /* of all ranges */
	u64 nr_written;
	struct written {
		u8 *page, *copy;
	} * written; /* room for all of them */
	struct sigaction before;
	stack_t stack_before;
	void *signal_stack;
} restore;

int restore_add(void *start, u64 bytes)
{
	struct range *range = &restore.ranges[restore.nr_ranges];
	u64 pages = bytes >> PAGE_SHIFT;

	VM_BUG_ON(restore.armed || restore.nr_ranges == MAX_RANGES);
	VM_BUG_ON2(!IS_ALIGNED((uintptr_t)start | bytes, PAGE_SIZE), (uintptr_t)start, bytes);
	range->start = start;
	range->bytes = bytes;
	range->copy = host_alloc(bytes);
	range->written = host_alloc(PAGE_ALIGN(pages));
	restore.nr_ranges++;
	restore.nr_pages += pages;
	return range->copy && range->written ? 0 : -ENOMEM;
}

/* A stack has places between its variables that the address sanitizer lets nobody read. */
__attribute__((no_sanitize("address"))) static void copy_page(void *to, const void *from)
{
#ifdef RESTORE_ASAN
	for (u64 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		((volatile u64 *)to)[i] = ((const volatile u64 *)from)[i];
#else
	memcpy(to, from, PAGE_SIZE);
#endif
}

/* The first write to a clean page. Runs on a stack of its own; false: not ours. */
static bool caught(u8 *page)
{
	for (unsigned i = 0; i < restore.nr_ranges; i++) {
		struct range *range = &restore.ranges[i];
		u64 offset = (u64)(page - range->start);
		u8 *copy;

		if (page < range->start || offset >= range->bytes)
			continue;
		if (range->written[offset >> PAGE_SHIFT])
			return false;
		range->written[offset >> PAGE_SHIFT] = 1;
		copy = range->copy + offset;
		copy_page(copy, page);
		restore.written[restore.nr_written].page = page;
		restore.written[restore.nr_written].copy = copy;
		restore.nr_written++;
		return mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0;
	}
	return false;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	u8 *page = (u8 *)ALIGN_DOWN((uintptr_t)info->si_addr, PAGE_SIZE);

	(void)context;
	if (restore.armed && info->si_code == SEGV_ACCERR && caught(page))
		return;
	/* Not ours: once more, as if nobody had listened. */
	sigaction(signo, &restore.before, NULL);
}

static u64 list_bytes(void)
{
	return PAGE_ALIGN(restore.nr_pages * sizeof(restore.written[0]));
}

static int listen(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_size = SIGNAL_STACK_BYTES };

	restore.signal_stack = stack.ss_sp = host_alloc(SIGNAL_STACK_BYTES);
	if (!stack.ss_sp)
		return -ENOMEM;
	action.sa_sigaction = on_fault;
	sigemptyset(&action.sa_mask);
	if (sigaltstack(&stack, &restore.stack_before) ||
	    sigaction(SIGSEGV, &action, &restore.before))
		return -EINVAL;
	return 0;
}

int restore_take(void)
{
	int err = -ENOMEM;

	restore.written = host_alloc(list_bytes());
	if (restore.written)
		err = listen();
	restore.armed = !err;
	for (unsigned i = 0; !err && i < restore.nr_ranges; i++) {
		if (mprotect(restore.ranges[i].start, restore.ranges[i].bytes, PROT_READ))
			err = -ENOMEM;
	}
	return err;
}

void restore_back(void)
{
	for (u64 i = 0; i < restore.nr_written; i++) {
		/* Functions that were left for good keep nobody out of what was their frames. */
		__asan_unpoison_memory_region(restore.written[i].page, PAGE_SIZE);
		copy_page(restore.written[i].page, restore.written[i].copy);
	}
}

void restore_each(void *start, u64 bytes, void (*fn)(void *arg, void *page), void *arg)
{
	for (u64 i = 0; i < restore.nr_written; i++) {
		u8 *page = restore.written[i].page;

		if (page >= (u8 *)start && page < (u8 *)start + bytes)
			fn(arg, page);
	}
}

void restore_end(void)
{
	if (restore.armed) {
		for (unsigned i = 0; i < restore.nr_ranges; i++)
			mprotect(restore.ranges[i].start, restore.ranges[i].bytes,
				 PROT_READ | PROT_WRITE);
		sigaction(SIGSEGV, &restore.before, NULL);
		sigaltstack(&restore.stack_before, NULL);
	}
	host_free(restore.signal_stack, SIGNAL_STACK_BYTES);
	host_free(restore.written, list_bytes());
	for (unsigned i = 0; i < restore.nr_ranges; i++) {
		host_free(restore.ranges[i].copy, restore.ranges[i].bytes);
		host_free(restore.ranges[i].written,
			  PAGE_ALIGN(restore.ranges[i].bytes >> PAGE_SHIFT));
	}
	memset(&restore, 0, sizeof(restore));
}

u64 restore_pages(void)
{
	return restore.nr_written;
}
