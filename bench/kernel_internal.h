/* SPDX-License-Identifier: MIT */
/* The kernel's side: what its files share. */
#ifndef BENCH_KERNEL_INTERNAL_H
#define BENCH_KERNEL_INTERNAL_H

#include "bench.h"

#define PAGE 4096u

/* Swap for the life of this process; kernel_swap_stop() undoes it, whoever ends it. */
void kernel_swap_start(uint64_t pages);

/* Memory that a userfaultfd watches. */
struct kernel_area {
	char *p;
	uint64_t pages;
	int fd;
};

char *kernel_map(uint64_t pages, int flags, int fd);
void kernel_unmap(char *p, uint64_t pages);
void kernel_touch(volatile char *p, uint64_t pages);
void kernel_ioctl(int fd, unsigned long command, void *arg, const char *what);
uint64_t kernel_address(const char *p);
/* A descriptor with those features, and the area registered with it. */
void kernel_register(struct kernel_area *area, uint64_t features, uint64_t mode, int flags);
void kernel_protect(const struct kernel_area *area, uint64_t mode);
/* Closed and unmapped. */
void kernel_release(struct kernel_area *area);

#endif
