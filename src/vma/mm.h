/* SPDX-License-Identifier: MIT */
/* vma: the address space of a process. */
#ifndef VMA_MM_H
#define VMA_MM_H

#include <bsd/sys/tree.h>

#include "machine/machine.h"
#include "phys/page.h"
#include "vma/task.h"

struct vm_area;

RB_HEAD(vma_tree, vm_area);

enum mm_counter { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

enum mm_rlimit { MM_RLIMIT_AS, MM_RLIMIT_DATA, MM_RLIMIT_STACK, MM_RLIMIT_MEMLOCK, NR_MM_RLIMITS };

/* What has become of a process that was killed, for want of memory or not, and of its memory. */
enum mm_killed { MM_ALIVE, MM_KILLED, MM_REAPING, MM_REAPED };

#define MM_RLIM_INFINITY (~0ull)
#define MM_FLUSH_LOG 16

/* One range that the CPUs running this mm have to forget; see mmu/tlb.h. */
struct tlb_flush_record {
	u64 gen;
	vaddr_t start, end;
};

/*
 * mlock or munlock of [start, end) under way (end 0: none), for who comes by the reverse map: the
 * mappings of its pages below `done` count as `locked` says, those above as the opposite, whatever
 * the flags of their vmas are meanwhile. See rmap/mlock.c.
 */
struct mlock_change {
	u32 seq; /* odd while the others are being changed */
	bool locked;
	vaddr_t start, end, done;
};

/*
 * Fields by lock:  (m) mmap_lock  (a) atomic  (c) constant after creation  (t) machine tasks_lock
 */
struct mm {
	struct list_head mms; /* t */
	u32 id;               /* c */
	atomic_t users;       /* a: tasks and remote users; the last one tears it down */
	atomic_t refs;        /* a: who keeps this struct: all users together, contexts */
	pfn_t pgd;            /* c */

	struct rw_semaphore mmap_lock;
	struct vma_tree vmas;      /* m */
	struct vm_area *vma_cache; /* a: last one found, a hint */
	u32 map_count;             /* m */
	u64 def_flags;             /* m: VM_LOCKED, VM_LOCKONFAULT for mappings to come */

	vaddr_t mmap_base, brk_start; /* c */
	vaddr_t brk;                  /* m */

	/* m: pages */
	u64 total_vm, locked_vm, data_vm, exec_vm, stack_vm;
	/*
	 * Of locked_vm: what no vma holds. MREMAP_DONTUNMAP of locked memory unlocks the old
	 * vma without counting it out, in Linux too.
	 */
	u64 locked_vm_lost;
	struct mlock_change mlock; /* m for write to change, a to read */
	u64 hiwater_vm;
	atomic64_t hiwater_rss; /* a */

	atomic64_t rss[NR_MM_COUNTERS]; /* a */
	atomic64_t pgtables_bytes;      /* a */
	atomic64_t pinned_pages;        /* a */
	atomic_t has_pinned;            /* a: MMF_HAS_PINNED, never cleared */

	/* a: see mmu/tlb.h */
	spinlock_t flush_lock; /* orders tlb_gen and flush_log */
	u64 tlb_gen;
	u64 cpu_mask;
	struct tlb_flush_record flush_log[MM_FLUSH_LOG];

	spinlock_t page_table_lock; /* entries above level 0; the first anon_vma of a vma */

	u64 rlimit[NR_MM_RLIMITS]; /* m: bytes */
	bool cap_ipc_lock;         /* m */
	u32 killed;                /* a: enum mm_killed; every access ends with SIGKILL */

	struct list_head pins; /* m, write */

	/*
	 * a: entries may be marked as protected in a vma that is not registered for it: one that
	 * was registered again without, or a slot that UFFDIO_MOVE put there. It means nothing,
	 * and such an entry may be writable.
	 */
	bool uffd_wp_stale;

	u32 group; /* m: whose limit its memory counts against, phys/group.h */
};

/*
 * mm_alloc: an empty one with users = 1 and a root table; NULL: no memory. mm_get/mm_put:
 * another user; the last put unmaps everything and frees it (see mm_exit_ops below).
 */
struct mm *mm_alloc(struct machine *m);
void mm_get(struct mm *mm);
/* As mm_get, unless nobody uses it any more; the caller has a reference. */
bool mm_get_not_zero(struct mm *mm);
void mm_put(struct mm *mm);
/* A reference to the struct alone, which may outlive the address space. */
void mm_grab(struct mm *mm);
void mm_drop(struct mm *mm);

/*
 * Taking an address space apart uses rooms above this one; they fill this in. One table for
 * the program, set at its start.
 */
struct mm_exit_ops {
	int (*alloc_root)(struct mm *mm);
	void (*exit_mmap)(struct mm *mm); /* every vma, page and table goes */
};
extern const struct mm_exit_ops mm_exit_ops;

static inline void add_mm_counter(struct mm *mm, enum mm_counter member, s64 pages)
{
	atomic64_add(&mm->rss[member], pages);
}

/* Which one counts a mapping of a page. */
static inline enum mm_counter page_mm_counter(const struct page *page)
{
	if (page_test_anon(page))
		return MM_ANONPAGES;
	return page_test_swapbacked(page) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

static inline s64 get_mm_rss(const struct mm *mm)
{
	return atomic64_read(&mm->rss[MM_FILEPAGES]) + atomic64_read(&mm->rss[MM_ANONPAGES]) +
	       atomic64_read(&mm->rss[MM_SHMEMPAGES]);
}

/* Record the high-water marks before rss or total_vm shrink, as Linux does. */
void update_hiwater_rss(struct mm *mm);
void update_hiwater_vm(struct mm *mm);

/* ---- limits and accounting: mmap_lock held, write where something changes ------------------ */

/* Whether so many pages more, of a vma with these flags, stay within RLIMIT_AS and _DATA. */
bool may_expand_vm(const struct mm *mm, u64 flags, u64 pages);
/* Pages of a vma with these flags come (or go, negative) in total_vm and its parts. */
void vm_stat_account(struct mm *mm, u64 flags, s64 pages);
/* Whether the process may lock at all; and so many bytes more, if the flags say locked. */
bool can_do_mlock(const struct mm *mm);
bool mlock_future_ok(const struct mm *mm, u64 flags, u64 bytes);
/*
 * Promise pages of memory (VM_ACCOUNT) under the overcommit mode: 0, or -ENOMEM with nothing
 * promised. vm_unacct_memory takes a promise back.
 */
int vm_enough_memory(struct mm *mm, u64 pages);
void vm_unacct_memory(struct mm *mm, u64 pages);
/* Whether a vma with these flags is promised memory as soon as it is mapped. */
bool accountable_mapping(u64 flags);

#endif
