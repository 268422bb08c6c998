/* SPDX-License-Identifier: MIT */
/*
 * mmu: page tables in simulated RAM, reached by frame number from mm->pgd. Every table page
 * has a lock (ptl), its level, its mm and a count of entries in use in its struct page.
 *
 * Who may look at what
 *   an entry of level 0        its table's ptl to change; the processor sets A and D atomically
 *   an entry above level 0     mm->page_table_lock to install; cleared only by the owner of the
 *                              range (mmap_lock write, or the last user of the mm)
 *   walking down without locks inside an access (tlb.h): a table is freed only after every
 *                              CPU has left the access in which it might have read it
 */
#ifndef MMU_PGTABLE_H
#define MMU_PGTABLE_H

#include "arch/arch.h"
#include "mmu/entry.h"
#include "phys/alloc.h"
#include "phys/page.h"
#include "vma/vma.h"

static inline pte_t ptep_get(pte_t *ptep)
{
	return (pte_t){ READ_ONCE(ptep->v) };
}

/* No access sets anything in it any more: it can be changed by a plain store. */
static inline bool pte_settled(pte_t pte)
{
	return pte_present(pte) && (pte.v & PTE_CPU_ACCESSED) &&
	       ((pte.v & PTE_CPU_DIRTY) || !pte_cpu_may_write(pte));
}

/* The root table of a new mm; -ENOMEM. */
int pgd_alloc(struct mm *mm);
void pgd_free(struct mm *mm);

/*
 * The level-0 table that maps addr: its entry for addr, or NULL when there is no table.
 * pte_alloc installs what is missing on the way down; NULL: no memory. No locks taken for
 * the caller.
 */
pte_t *pte_offset(struct mm *mm, vaddr_t addr);
pte_t *pte_alloc(struct mm *mm, vaddr_t addr);

/*
 * The same with the table's lock held on return; *ret_ptl is untouched when NULL is returned.
 * The caller unlocks it; the entry must not be used after that.
 */
pte_t *pte_offset_lock(struct mm *mm, vaddr_t addr, spinlock_t **ret_ptl);
pte_t *pte_alloc_lock(struct mm *mm, vaddr_t addr, spinlock_t **ret_ptl);

/* The lock of the table that holds ptep. */
static inline spinlock_t *pte_lockptr(pte_t *ptep)
{
	return &virt_to_page(ptep)->ptl;
}

/*
 * The locks of the tables of two entries, which may be one table: the lower one first, as two may
 * go opposite ways.
 */
static inline void pte_lock_both(pte_t *a, pte_t *b)
{
	spinlock_t *first = MIN(pte_lockptr(a), pte_lockptr(b));
	spinlock_t *second = MAX(pte_lockptr(a), pte_lockptr(b));

	spin_lock(first);
	if (second != first)
		spin_lock(second);
}

static inline void pte_unlock_both(pte_t *a, pte_t *b)
{
	spin_unlock(pte_lockptr(a));
	if (pte_lockptr(b) != pte_lockptr(a))
		spin_unlock(pte_lockptr(b));
}

/* Write an entry; keeps the table's count of used entries and records the change. ptl held. */
void set_pte_at(struct mm *mm, vaddr_t addr, pte_t *ptep, pte_t pte);
/*
 * For many entries of one table: the same without the count, whose change is returned, and what
 * adds the changes to it. ptl held from the first to the last.
 */
int set_pte_uncounted(struct mm *mm, vaddr_t addr, pte_t *ptep, pte_t old, pte_t pte);
void table_add_used(pte_t *ptep, int delta);
/* Read it and make it none, and no A or D of the processor is lost between. ptl held. */
pte_t ptep_get_and_clear(struct mm *mm, vaddr_t addr, pte_t *ptep);
/* Replace by compare-and-exchange; false when the processor changed it meanwhile. ptl held. */
bool ptep_try_update(struct mm *mm, vaddr_t addr, pte_t *ptep, pte_t old, pte_t pte);

/* The first address at or above addr whose level-0 table exists, or end. */
vaddr_t pgtable_next_table(struct mm *mm, vaddr_t addr, vaddr_t end);

/*
 * Walk the entries of [start, end): fn for each entry of each existing table, under its ptl,
 * hole for the ranges without table (may be NULL). A non-zero return stops the walk and is
 * returned. mmap_lock held by the caller. Where a call for each entry is too much: ptes instead
 * of pte, once for all entries of [start, end) in one table, ptep being start's.
 */
struct mm_walk {
	int (*pte)(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte);
	int (*ptes)(struct mm_walk *walk, vaddr_t start, vaddr_t end, pte_t *ptep);
	int (*hole)(struct mm_walk *walk, vaddr_t start, vaddr_t end);
	struct mm *mm;
	void *private;
};
int walk_page_range(struct mm_walk *walk, vaddr_t start, vaddr_t end);

/* Every table page of an mm, parents first. */
void for_each_table(struct mm *mm, void (*fn)(void *arg, struct page *table), void *arg);

/*
 * Take out of the tree every table (but the root) that maps part of [start, end) and nothing
 * outside [floor, ceiling), children first, and hand it to release, which frees it with
 * table_free once no CPU can be reading it. mmap_lock write.
 */
struct table_range {
	vaddr_t start, end, floor, ceiling;
};
void free_table_range(struct mm *mm, const struct table_range *range,
		      void (*release)(void *arg, struct page *table), void *arg);
void table_free(struct page *table);

static inline struct page *pte_page(struct machine *m, pte_t pte)
{
	return pfn_to_page(m, pte_pfn(pte));
}

/* The page with a struct page that counts; NULL for special entries (the zero page). */
static inline struct page *vm_normal_page(struct machine *m, pte_t pte)
{
	VM_BUG_ON2(!pte_present(pte), pte.v, 0);
	return pte_special(pte) ? NULL : pte_page(m, pte);
}

#endif
