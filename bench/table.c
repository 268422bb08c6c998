/* SPDX-License-Identifier: MIT */
/* What is measured, against what, and what is aimed at. */
#include "bench.h"

#define L1_PAGES 4    /* 16 KiB: the first-level cache of any processor */
#define L2_PAGES 128  /* 512 KiB */
#define L3_PAGES 1024 /* 4 MiB: as much as the model's TLB of 1024 entries covers */
#define LOADS 250000u
#define SMALL_PAGES 256  /* 1 MiB */
#define SCALE_PAGES 2048 /* short, so that it fits between what else the host does */
#define SMALL_ROUNDS 64
#define SWAP_PAGES 2048 /* 8 MiB */

#define KERNEL(n, t, what, aim)                                                           \
	{                                                                                 \
		.name = n, .title = t, .unit = "page", .against = SIDE_LINUX,             \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_LINUX] = kernel_##what }, \
		.work = { .threads = 1, .rounds = 1 }, .faster = aim,                     \
	}

#define LOAD(n, t, nr_pages, what, aim)                                                      \
	{                                                                                    \
		.name = n, .title = t, .unit = "load", .against = SIDE_PLAIN,                \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_PLAIN] = plain_##what },     \
		.work = { .pages = nr_pages, .threads = 1, .rounds = LOADS }, .slower = aim, \
	}

#define TOUCH(n, t, nr_pages, nr_rounds)                                                       \
	{                                                                                      \
		.name = n, .title = t, .unit = "page", .against = SIDE_PLAIN,                  \
		.measure = { [SIDE_MODEL] = model_touch_memory, [SIDE_PLAIN] = plain_memset }, \
		.work = { .pages = nr_pages, .threads = 1, .rounds = nr_rounds }, .slower = 4, \
	}

/* rounds: the mappings of the page. */
#define UNMAP(n, t, mappings)                                                                   \
	{                                                                                       \
		.name = n, .title = t, .unit = "mapping", .against = SIDE_LINUX,                \
		.measure = { [SIDE_MODEL] = model_unmap_all, [SIDE_LINUX] = kernel_unmap_all }, \
		.work = { .pages = 1, .threads = 1, .rounds = mappings },                       \
	}

/* Few pages, as the kernel's go to a disk and come from there. */
#define SWAP(n, t, what)                                                                  \
	{                                                                                 \
		.name = n, .title = t, .unit = "page", .against = SIDE_LINUX,             \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_LINUX] = kernel_##what }, \
		.work = { .pages = SWAP_PAGES, .threads = 1, .rounds = 1 },               \
	}

const struct benchmark benchmarks[] = {
	KERNEL("first-touch", "first write to a page", first_touch, 5),
	KERNEL("cow", "copy-on-write of a page", cow, 5),
	KERNEL("fork", "fork, per mapped page", fork, 5),
	KERNEL("munmap", "munmap, per mapped page", munmap, 5),
	KERNEL("mprotect", "mprotect to r and back to rw, per page and call", mprotect, 5),
	KERNEL("pagemap", "pagemap read, per page", pagemap, 5),
	KERNEL("file-read", "read fault on a page of a file, with those around it", file_read, 0),
	KERNEL("file-write", "write fault on a page of a file", file_write, 0),
	KERNEL("fork-shared", "fork, per page of a shared mapping", fork_shared, 0),
	KERNEL("truncate", "truncate of a mapped file, per page", truncate, 0),
	UNMAP("unmap-1", "punch a page that is mapped once, per mapping", 1),
	UNMAP("unmap-10", "the same, 10 times", 10),
	UNMAP("unmap-1000", "the same, 1,000 times", 1000),
	SWAP("swap-out", "page out, per page", swap_out),
	SWAP("swap-in", "read of a page that is in swap", swap_in),
	SWAP("overcommit-2", "write to twice the memory there is, per page", overcommit_2),
	SWAP("overcommit-10", "the same, to ten times as much", overcommit_10),
	KERNEL("uffd-protect", "UFFDIO_WRITEPROTECT, per page that is there", uffd_protect, 0),
	KERNEL("uffd-protect-none", "the same, per page of shared memory that is not",
	       uffd_protect_none, 0),
	KERNEL("uffd-copy", "UFFDIO_COPY, per page", uffd_copy, 0),
	KERNEL("uffd-continue", "UFFDIO_CONTINUE, per page", uffd_continue, 0),
	{
		.name = "uffd-copy-memcpy",
		.title = "UFFDIO_COPY / memcpy of 4 KiB",
		.unit = "page",
		.against = SIDE_PLAIN,
		.measure = { [SIDE_MODEL] = model_uffd_copy, [SIDE_PLAIN] = plain_memcpy },
		.work = { .threads = 1, .rounds = 1 },
		.slower = 1 / 0.7,
	},
	TOUCH("touch-memset", "first write to a page / memset of 4 KiB", 0, 1),
	TOUCH("touch-memset-1m", "the same, 1 MiB again and again", SMALL_PAGES, SMALL_ROUNDS),
	LOAD("load", "TLB-hit load / load, dependent, 16 KiB", L1_PAGES, load, 6),
	LOAD("load-512k", "the same, 512 KiB", L2_PAGES, load, 6),
	LOAD("load-4m", "the same, 4 MiB", L3_PAGES, load, 6),
	LOAD("load-independent", "TLB-hit load / load, independent, 16 KiB", L1_PAGES,
	     load_independent, 0),
	{
		.name = "scale-first-touch",
		.title = "first write to a page, threads of one process",
		.unit = "page",
		.against = SIDE_LINUX,
		.measure = { [SIDE_MODEL] = model_first_touch, [SIDE_LINUX] = kernel_first_touch },
		.work = { .pages = SCALE_PAGES, .rounds = 1 },
		.scaling = true,
	},
	{
		.name = "scale-load",
		.title = "TLB-hit load, dependent, 16 KiB, threads of one process",
		.unit = "load",
		.against = SIDE_PLAIN,
		.measure = { [SIDE_MODEL] = model_load, [SIDE_PLAIN] = plain_load },
		.work = { .pages = L1_PAGES, .rounds = LOADS },
		.scaling = true,
	},
	{
		.name = "scale-fork",
		.title = "fork, per mapped page, of a process each",
		.unit = "page",
		.against = SIDE_LINUX,
		.measure = { [SIDE_MODEL] = model_fork, [SIDE_LINUX] = kernel_fork },
		.work = { .rounds = 1 },
		.scaling = true,
	},
};

const size_t nr_benchmarks = sizeof(benchmarks) / sizeof(benchmarks[0]);
