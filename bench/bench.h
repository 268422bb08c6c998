/* SPDX-License-Identifier: MIT */
/*
 * bench: how long things take, here, in one run, beside what they are compared with.
 *
 * Glossary
 *   side        who does the work: the model (libusermm), the kernel under us, plain memory
 *               (the same work done by the processor without anybody's help), or the model without
 *               the option that is measured
 *   unit        what a time is divided by: a page, a load
 *   repetition  one measurement of one side; the sides take turns, so that a slow moment of the
 *               machine hits both. Medians are compared, the extremes are shown.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum side { SIDE_MODEL, SIDE_LINUX, SIDE_PLAIN, SIDE_WITHOUT, NR_SIDES };

/* What a machine, or a kernel, may not have. */
enum need { NEEDS_NOTHING, NEEDS_UFFD, NEEDS_UFFD_WP, NEEDS_WP_ASYNC };

/* What one measurement works on. */
struct work {
	uint64_t pages;      /* mapped, 4 KiB each */
	uint32_t threads;    /* that do the work at once, each on its share */
	uint32_t rounds;     /* how often the work is done inside one measurement */
	uint32_t processors; /* of two threads that answer each other: 1 or 2 */
};

/* Does the work once and says how many ns a unit took. Ends the program when it cannot. */
typedef double measure_fn(const struct work *work);

struct benchmark {
	const char *name;
	const char *title;
	const char *unit;
	enum side against;
	enum need needs; /* of the model, and of the kernel when it is the other side */
	measure_fn *measure[NR_SIDES];
	struct work work; /* pages 0: as the command line says */
	/* The aim: the model at least `faster` times as fast, or at most `slower` times as slow. */
	double faster, slower;
	double most_ns; /* or the model at most this, whatever the other side does */
	/* Also with two threads: work.threads is set to 1 and to 2. */
	bool scaling;
};

extern const struct benchmark benchmarks[];
extern const size_t nr_benchmarks;

/* The median of the repetitions, and the extremes. */
struct timing {
	bool present;
	double median_ns, min_ns, max_ns;
};

struct result {
	const struct benchmark *benchmark;
	struct work work;
	struct timing side[NR_SIDES];
	double ratio; /* of the medians, the other side's to the model's; 0: no other side */
};

struct options {
	bool vs_linux, json, check;
	uint32_t repetitions;
	uint64_t pages;
};

/* Where we run: filled once, printed with every report. */
struct host_description {
	char cpu[128], kernel[128], compiler[64];
	unsigned cpus;
	uint64_t memory_bytes;
	char thp[64]; /* /sys/kernel/mm/transparent_hugepage/enabled */
	char virt[32];
};

/* ---- common ---- */

/* The clock of all measurements: the processor time of the calling thread. */
double now_ns(void);
/* The clock on the wall, where one thread waits for another. */
double wall_ns(void);
/* NULL, or what a userfaultfd with these features lacks; "who" has it not. */
const char *uffd_lacks(uint64_t features, enum need need, const char *who);
/* Message on standard error, exit status 3: it cannot run here. */
_Noreturn void cannot_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * Work of work->threads threads. Each first does what it needs for itself (prepare may be NULL), so
 * that its memory is in its own processor's caches; then all start together.
 */
struct thread_work {
	void (*prepare)(void *arg, uint32_t i);
	void (*fn)(void *arg, uint32_t i);
	void *arg;
};
/* Returns the ns of the thread that took the longest. One of them is the caller itself. */
double run_threads(const struct work *work, const struct thread_work *what);
/*
 * This thread and another that answers it, on a processor each (2) or both on one (1): left to the
 * scheduler it would be either, by chance. place_back undoes it for this thread.
 */
void place_pair(pthread_t other, unsigned processors);
void place_back(void);
/* Waits until `threads` have come here; all leave within some ten ns. */
void meet(uint32_t *arrived, uint32_t threads);
/*
 * The pointer chase: fills `next`, one word per cache line of `bytes` of memory, with a random
 * cycle through all lines: next[i] is the offset in bytes of the line that follows line i.
 */
#define CHASE_STRIDE 64u
void chase_cycle(uint32_t *next, uint64_t lines);

/* ---- the sides ---- */

/* The kernel's side is a process of its own, started before anything large is mapped here. */
void kernel_start(void);
double kernel_measure(size_t benchmark, const struct work *work);
void kernel_stop(void);
const char *kernel_lacks(enum need need);
/* In the process that measures the kernel: swap goes again. */
void kernel_swap_stop(void);

/* A machine whose RAM the host has already given us, large enough for `pages`. */
void model_start(uint64_t pages);
void model_stop(void);
const char *model_lacks(enum need need);

measure_fn model_first_touch, model_cow, model_fork, model_munmap, model_mprotect, model_pagemap;
measure_fn model_touch_memory, model_load, model_load_independent;
measure_fn kernel_first_touch, kernel_cow, kernel_fork, kernel_munmap, kernel_mprotect,
	kernel_pagemap, kernel_load;
measure_fn model_file_read, model_file_write, model_truncate, model_unmap_all, model_fork_shared;
measure_fn model_swap_out, model_swap_in, model_overcommit_2, model_overcommit_10;
measure_fn kernel_file_read, kernel_file_write, kernel_truncate, kernel_unmap_all,
	kernel_fork_shared;
measure_fn kernel_swap_out, kernel_swap_in, kernel_overcommit_2, kernel_overcommit_10;
measure_fn model_uffd_protect, model_uffd_protect_none, model_uffd_protect_swapped,
	model_uffd_protect_far, model_uffd_copy, model_uffd_continue;
measure_fn kernel_uffd_protect, kernel_uffd_protect_none, kernel_uffd_protect_swapped,
	kernel_uffd_protect_far, kernel_uffd_copy, kernel_uffd_continue;
measure_fn model_uffd_missing_wait, model_uffd_missing_sigbus, model_uffd_wp_wait,
	model_uffd_wp_sigbus, model_uffd_scan, model_uffd_async_write;
measure_fn kernel_uffd_missing_wait, kernel_uffd_missing_sigbus, kernel_uffd_wp_wait,
	kernel_uffd_wp_sigbus, kernel_uffd_scan, kernel_uffd_async_write;
#define SHMEM_MEASURES(X) X(sparse) X(dense) X(swapped) X(mapping) X(fork) X(out)
#define X(name) \
	measure_fn model_shmem_##name, model_shmem_##name##_cache, model_shmem_##name##_entry;
SHMEM_MEASURES(X)
#undef X
measure_fn plain_memset, plain_memcpy, plain_load, plain_load_independent;

/* ---- reports ---- */

void host_describe(struct host_description *host);
void report_begin(const struct options *options, const struct host_description *host);
void report_result(const struct result *result);
void report_skipped(const struct benchmark *benchmark, const char *reason);
/* Returns how many aims were missed. */
unsigned report_end(void);
void report_list(void);

#endif
