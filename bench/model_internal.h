/* SPDX-License-Identifier: MIT */
/* The model's side: what its files share. */
#ifndef BENCH_MODEL_INTERNAL_H
#define BENCH_MODEL_INTERNAL_H

#include <usermm/usermm.h>

#include "bench.h"

#define PAGE UMM_PAGE_SIZE

extern struct umm_machine *machine;

/* Ends the program when a call of the model was not good. */
void check(bool good, const char *what, int64_t result);
struct umm_task *new_process(void);
void touch_pages(struct umm_task *task, uint64_t addr, uint64_t pages);
/* A process with `pages` touched pages at *ret_addr. */
struct umm_task *new_process_touched(uint64_t pages, uint64_t *ret_addr);

/* Swap in the machine's own memory, for so many pages. */
void start_swapping(uint64_t pages);
void page_out(struct umm_task *task, uint64_t addr, uint64_t pages);
uint64_t map_memory(struct umm_task *task, uint64_t pages, int flags, int fd);

/* Memory that a userfaultfd watches. */
struct area {
	struct umm_task *task;
	uint64_t addr, pages;
	int fd;
};

void area_ioctl(const struct area *area, uint64_t command, void *arg, const char *what);
/* A descriptor with those features, and the area registered with it. */
void area_register(struct area *area, uint64_t features, uint64_t mode, int flags);
void area_protect(const struct area *area, uint64_t mode);

#endif
