/* SPDX-License-Identifier: MIT */
/*
 * mmu: the translation caches of the simulated CPUs and how they are told to forget.
 *
 * A CPU caches translations of the mm that it runs. mm->tlb_gen counts the flushes of an mm,
 * flush_log remembers the last few ranges. A flush never touches another CPU's cache: it
 * raises tlb_gen, and every access first compares its CPU's generation with the mm's and
 * forgets what the log says (everything, when the log has moved on).
 *
 *      flusher                                accessing task
 *      tlb_gen = g; log range                 in_access becomes odd
 *      sync_membarrier                        (compiler barrier only)
 *      for each CPU of the mm:                compare generations; look up; touch memory
 *        wait until its task's in_access      in_access becomes even
 *        is even or has changed
 *
 * After that no access can still use a stale translation, and frames and tables may be freed.
 * An access is one instruction: it is waited for under every model. Software sections with
 * interrupts off (fast GUP) are waited for as config.tlb_flush says: under UMM_TLB_IPI always,
 * under UMM_TLB_PARAVIRT unless the CPU is marked preempted, under UMM_TLB_BROADCAST never.
 */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include "mmu/pgtable.h"

/* One cached translation; a tag is the page's address, or ~0 when that access is not cached. */
struct tlb_entry {
	u64 read_tag, write_tag, exec_tag;
	u64 addend; /* host address minus simulated address */
};

struct cpu {
	struct task *curr; /* who runs here; changed under m->cpu_lock, see task_switch_to */
	struct mm *loaded_mm;
	u64 tlb_gen; /* generation of loaded_mm that tlb reflects; touched by curr's thread only */
	struct tlb_entry *tlb;
	u64 tlb_mask;
	u32 id;
	u32 preempted; /* paravirt: descheduled by the hypervisor */
} __cacheline_aligned;

int cpus_init(struct machine *m);

/* Make task the one that runs on a CPU (its last one if it can be), and load its mm. */
void task_switch_to(struct task *task);
/* task no longer runs: its CPU forgets it. Before its mm goes. */
void task_leave_cpu(struct task *task);

void cpu_tlb_flush_all(struct cpu *cpu);
/* Bring cpu's cache up to mm->tlb_gen. Inside an access of the task that runs there. */
void cpu_tlb_catch_up(struct cpu *cpu, struct mm *mm);

/* Make every CPU of the mm forget [start, end) and wait until none is using it. May spin. */
void flush_tlb_range(struct mm *mm, vaddr_t start, vaddr_t end);
void flush_tlb_page(struct mm *mm, vaddr_t addr);

/* ---- gathering ------------------------------------------------------------------------------ */

#define GATHER_BATCH 64

/*
 * Pages and tables that are unmapped but not yet free: they are freed in batches, each after
 * one flush of the range they were in.
 */
struct mmu_gather {
	struct mm *mm;
	vaddr_t start, end; /* touched since the last flush; start >= end: nothing */
	bool whole_mm;      /* the mm has no users left: nobody to tell */
	u32 nr;
	struct page *pages[GATHER_BATCH];
};

/* What swap, a room below this one, does with a page that is no longer mapped; swap/cache.c. */
struct tlb_swap_ops {
	/* In the swap cache: the slot goes with the last mapping, if no entry refers to it. */
	void (*free_swap_cache)(struct page *page);
};
extern const struct tlb_swap_ops tlb_swap_ops;

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm *mm);
/* For the last user: no flush is needed. */
void tlb_gather_mmu_fullmm(struct mmu_gather *tlb, struct mm *mm);
/* Translations in [start, end) have gone or changed. */
static inline void tlb_change_range(struct mmu_gather *tlb, vaddr_t start, vaddr_t end)
{
	tlb->start = MIN(tlb->start, start);
	tlb->end = MAX(tlb->end, end);
}
/* Drop one reference of page after the flush; true: the batch is full, call tlb_flush_mmu soon. */
bool tlb_remove_page(struct mmu_gather *tlb, struct page *page);
void tlb_remove_table(struct mmu_gather *tlb, struct page *table);
/* Tell the CPUs now, and free nothing yet. A ptl may be held. */
void tlb_flush_only(struct mmu_gather *tlb);
/* No ptl may be held. */
void tlb_flush_mmu(struct mmu_gather *tlb);
void tlb_finish_mmu(struct mmu_gather *tlb);

#endif
