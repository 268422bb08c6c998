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
#define ROUND_PAGES 2048
#define FAR_PAGES (1u << 18) /* 1 GiB */

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

/* A fault and what resolves it, each on a page of its own. */
#define ROUND(n, t, what, need)                                                             \
	{                                                                                   \
		.name = n, .title = t, .unit = "fault", .against = SIDE_LINUX,              \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_LINUX] = kernel_##what },   \
		.needs = need, .work = { .pages = ROUND_PAGES, .threads = 1, .rounds = 1 }, \
		.faster = 3,                                                                \
	}

/* A handler that waits on another processor, or on the one of who faults. */
#define WAIT(n, t, what, need, nr, aim)                                                        \
	{                                                                                      \
		.name = n, .title = t, .unit = "fault", .against = SIDE_LINUX,                 \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_LINUX] = kernel_##what },      \
		.needs = need,                                                                 \
		.work = { .pages = ROUND_PAGES, .threads = 1, .rounds = 1, .processors = nr }, \
		.faster = aim,                                                                 \
	}

#define UFFD(n, t, what, need, nr_pages, most)                                            \
	{                                                                                 \
		.name = n, .title = t, .unit = "page", .against = SIDE_LINUX,             \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_LINUX] = kernel_##what }, \
		.needs = need, .work = { .pages = nr_pages, .threads = 1, .rounds = 1 },  \
		.most_ns = most,                                                          \
	}

#define MEMCPY(n, t, what, aim)                                                            \
	{                                                                                  \
		.name = n, .title = t, .unit = "page", .against = SIDE_PLAIN,              \
		.measure = { [SIDE_MODEL] = model_##what, [SIDE_PLAIN] = plain_memcpy },   \
		.needs = NEEDS_UFFD, .work = { .threads = 1, .rounds = 1 }, .slower = aim, \
	}

/* One page in so many is written. */
#define SCAN(n, t, every)                                                                       \
	{                                                                                       \
		.name = n, .title = t, .unit = "page", .against = SIDE_LINUX,                   \
		.measure = { [SIDE_MODEL] = model_uffd_scan, [SIDE_LINUX] = kernel_uffd_scan }, \
		.needs = NEEDS_WP_ASYNC, .work = { .threads = 1, .rounds = every },             \
	}

/* With an option that has pagemap tell of shared memory in swap, against without it. */
#define SHMEM(n, t, what, option)                                               \
	{                                                                       \
		.name = n, .title = t, .unit = "page", .against = SIDE_WITHOUT, \
		.measure = { [SIDE_MODEL] = model_shmem_##what##_##option,      \
			     [SIDE_WITHOUT] = model_shmem_##what },             \
		.work = { .pages = SWAP_PAGES, .threads = 1, .rounds = 1 },     \
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
	WAIT("uffd-missing-wait", "missing fault, resolved by a thread that waits for it",
	     uffd_missing_wait, NEEDS_UFFD, 2, 3),
	WAIT("uffd-missing-wait-1", "the same, both on one processor", uffd_missing_wait,
	     NEEDS_UFFD, 1, 0),
	ROUND("uffd-missing-sigbus", "the same, resolved where it ends in SIGBUS",
	      uffd_missing_sigbus, NEEDS_UFFD),
	WAIT("uffd-wp-wait", "write-protect fault, resolved by a thread that waits for it",
	     uffd_wp_wait, NEEDS_UFFD_WP, 2, 3),
	WAIT("uffd-wp-wait-1", "the same, both on one processor", uffd_wp_wait, NEEDS_UFFD_WP, 1,
	     0),
	ROUND("uffd-wp-sigbus", "the same, resolved where it ends in SIGBUS", uffd_wp_sigbus,
	      NEEDS_UFFD_WP),
	UFFD("uffd-protect", "UFFDIO_WRITEPROTECT and back, per page that is there and call",
	     uffd_protect, NEEDS_UFFD_WP, 0, 10),
	UFFD("uffd-protect-none", "the same, per page of shared memory that is not",
	     uffd_protect_none, NEEDS_UFFD_WP, 0, 0),
	UFFD("uffd-protect-swap", "the same, per page that is in swap", uffd_protect_swapped,
	     NEEDS_UFFD_WP, SWAP_PAGES, 0),
	UFFD("uffd-protect-far", "UFFDIO_WRITEPROTECT of 1 GiB of a file without tables, per page",
	     uffd_protect_far, NEEDS_UFFD_WP, FAR_PAGES, 0),
	UFFD("uffd-copy", "UFFDIO_COPY, per page", uffd_copy, NEEDS_UFFD, 0, 0),
	UFFD("uffd-continue", "UFFDIO_CONTINUE, per page", uffd_continue, NEEDS_UFFD, 0, 0),
	MEMCPY("uffd-copy-memcpy", "UFFDIO_COPY / memcpy of 4 KiB", uffd_copy, 1 / 0.7),
	MEMCPY("uffd-cont-memcpy", "UFFDIO_CONTINUE / memcpy of 4 KiB", uffd_continue, 0),
	SCAN("uffd-scan-1", "PAGEMAP_SCAN that protects again, 1 % written, per page", 100),
	SCAN("uffd-scan-10", "the same, 10 %", 10),
	SCAN("uffd-scan-100", "the same, all", 1),
	UFFD("uffd-async-write", "first write after it, per page", uffd_async_write, NEEDS_WP_ASYNC,
	     0, 0),
	SHMEM("shmem-cache-sparse", "pagemap of shared memory, 1 % there, asking the page cache",
	      sparse, cache),
	SHMEM("shmem-cache-dense", "the same, all there", dense, cache),
	SHMEM("shmem-cache-swap", "the same, all in swap", swapped, cache),
	SHMEM("shmem-cache-map", "the same, where it was never mapped", mapping, cache),
	SHMEM("shmem-cache-fork", "fork with all in swap", fork, cache),
	SHMEM("shmem-cache-out", "page out, per page of shared memory", out, cache),
	SHMEM("shmem-bit-sparse", "pagemap of shared memory, 1 % there, with a bit in the entry",
	      sparse, entry),
	SHMEM("shmem-bit-dense", "the same, all there", dense, entry),
	SHMEM("shmem-bit-swap", "the same, all in swap", swapped, entry),
	SHMEM("shmem-bit-map", "the same, where it was never mapped", mapping, entry),
	SHMEM("shmem-bit-fork", "fork with all in swap", fork, entry),
	SHMEM("shmem-bit-out", "page out, per page of shared memory", out, entry),
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
