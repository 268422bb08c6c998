/* SPDX-License-Identifier: MIT */
/*
 * machine: the value that everything lives in. One arena slot holds
 *
 *   base                     base + VMEMMAP_OFFSET        base + RAM_OFFSET
 *   | struct machine | heap → |  struct page, by pfn →     |  RAM, by pfn →       |
 *
 * and nothing in it points outside. Tables of functions are named by small numbers, so that a
 * saved machine opens in another process.
 * Any pointer into the arena finds its machine by its high bits (machine_of).
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <usermm/usermm.h>

#include "base/list.h"
#include "base/prng.h"
#include "base/types.h"
#include "host/host.h"
#include "machine/counters.h"
#include "machine/fail.h"
#include "machine/slab.h"
#include "machine/trace.h"
#include "sync/sync.h"

#define VMEMMAP_OFFSET (ARENA_SLOT_BYTES / 4)
#define RAM_OFFSET (ARENA_SLOT_BYTES / 2)

#define MAX_CPUS 64
#define MAX_NODES 8

/* Page structs and RAM are brought into use by the section: one block of the largest order. */
#define SECTION_SHIFT 22
#define SECTION_PAGES (1ull << (SECTION_SHIFT - PAGE_SHIFT))

/* phys/page.h asserts it; here because the page structs take part in snapshots. */
#define STRUCT_PAGE_BYTES 64

#define MACHINE_MAGIC 0x656e696863616d75ull /* "umachine" */
#define MACHINE_VERSION 1u

struct phys;       /* phys/: nodes, zones, buddy lists */
struct lru;        /* phys/lru.c: batches */
struct mem_groups; /* phys/group.c */
struct swap;       /* swap/: areas */
struct cpu;        /* mmu/tlb.h: the simulated CPUs */
struct task;       /* vma/task.h */

/* What this room and phys/ know of a task: the first member of struct task. */
struct task_base {
	u32 cpu; /* number of the simulated CPU that it runs on */
	int tid;
};

struct machine {
	/* constant after creation */
	u64 magic;
	u32 version;
	u32 slot;
	struct umm_config config;
	u64 nr_pages; /* frames of RAM, frame 0 included; page numbers are below it */
	u64 nr_sections;

	/* heap_lock */
	spinlock_t heap_lock;
	u64 heap_used;      /* bytes from base, this header included */
	u64 heap_committed; /* bytes from base that the host lets us touch */

	u64 *sections;      /* atomic: a bit for each section in use */
	bool ram_committed; /* constant after creation: the host has been asked for all of them */

	struct kmem_cache caches[NR_KMEM_CACHES];
	struct trace_ring trace;
	struct fail_state fail;
	struct vm_counters *counters; /* one a CPU */

	/* Each room's own state, allocated from the heap when the machine is built. */
	struct phys *phys;
	struct lru *lru;
	struct mem_groups *groups;
	struct swap *swap;
	struct cpu *cpus;
	spinlock_t cpu_lock; /* cpu->curr and loaded_mm of every CPU */
	pfn_t zero_pfn;

	/* tasks_lock */
	struct mutex tasks_lock;
	struct list_head tasks;
	struct list_head mms;
	int next_pid;
	u32 next_mm_id;
	s64 next_pin;
	atomic64_t user_pinned; /* pages of pins that count against a limit, of all processes */

	atomic64_t committed_pages;  /* vm_committed_as */
	atomic64_t total_swap_pages; /* of areas that are on and not being switched off */

	struct wait_queue_head migration_waitq; /* who met a page on its way to another frame */

	/* files_lock (LC_FILES) */
	spinlock_t files_lock;
	struct list_head inodes;
	struct list_head uffds; /* contexts */
	u32 next_ino;

	struct mutex shmem_lock; /* LC_SHMEM_LIST: shmem inodes that may have pages in swap */
	struct list_head shmem_swaplist;
};

static inline struct machine *machine_of(const void *ptr)
{
	return (struct machine *)((uintptr_t)ptr & ~(ARENA_SLOT_BYTES - 1));
}

/* The CPU that the caller runs on; CPU 0 when it is no task of this machine. */
static inline unsigned machine_this_cpu(const struct machine *m)
{
	const struct task_base *task = (const struct task_base *)sync_current();

	return likely(task && machine_of(task) == m) ? task->cpu : 0;
}

/* CPUs are spread over the nodes in blocks. */
static inline unsigned machine_cpu_node(const struct machine *m, unsigned cpu)
{
	return cpu * m->config.nodes / m->config.cpus;
}

/* 0, or -EINVAL when a field, or how they go together, is out of range. */
int machine_config_check(const struct umm_config *config);

/* Reserve a slot, build the header, heap, slab caches, ring. The rooms above do the rest. */
int machine_create(const struct umm_config *config, struct machine **ret_machine);
void machine_destroy(struct machine *m);

/*
 * From the heap, never given back; zeroed, aligned to 64. For state that lasts as long as the
 * machine. NULL when the heap is full.
 */
void *machine_alloc_forever(struct machine *m, u64 bytes);

/*
 * Mark the section that holds pfn as in use: its page structs and RAM may be touched, and take
 * part in snapshots. 1, 0 when it was already, -ENOMEM.
 */
int machine_online_section(struct machine *m, pfn_t pfn);
bool machine_section_online(const struct machine *m, pfn_t pfn);
/* Ask the host for all of RAM at once, so that bringing a section into use does not. -ENOMEM. */
int machine_commit_ram(struct machine *m);

/* Make everything that the header says is in use accessible (a loaded machine). */
int machine_commit_used(struct machine *m);

int machine_snapshot_take(struct machine *m, struct umm_snapshot **ret_snapshot);
void machine_snapshot_restore(struct machine *m, const struct umm_snapshot *snapshot);
void machine_snapshot_free(struct umm_snapshot *snapshot);
int machine_save(struct machine *m, const char *path);
int machine_load(const char *path, struct machine **ret_machine);

#endif
