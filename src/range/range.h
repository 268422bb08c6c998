/* SPDX-License-Identifier: MIT */
/*
 * range: operations on all entries of a range: zap, copy (fork), protect, move, and the
 * advices that touch entries. mmap_lock is held as each function says; entries change under
 * their table's ptl; flushes are gathered (mmu/tlb.h) and done before any frame is freed.
 */
#ifndef RANGE_RANGE_H
#define RANGE_RANGE_H

#include "mmu/tlb.h"
#include "vma/vma.h"

/* How to zap. NULL stands for all of it: a vma that goes. */
struct zap_details {
	bool keep_markers; /* madvise: a guard stays, uffd-wp markers of files stay */
};

/* Unmap the pages of [start, end) of vma into the gather. mmap_lock held, read is enough. */
void unmap_page_range(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		      const struct zap_details *details);
/*
 * Free tables that map only addresses in [floor, ceiling) around the zapped [start, end): the
 * holes to the neighbouring vmas count as free. mmap_lock write.
 */
void free_pgtables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor,
		   vaddr_t ceiling);

/* unmap_page_range with a gather of its own. mmap_lock held, read is enough. */
void zap_page_range_single(struct vm_area *vma, vaddr_t start, vaddr_t end,
			   const struct zap_details *details);

/* fork: copy src_vma's entries to dst_vma, write-protecting both. Both mmap_locks write. */
int copy_page_range(struct vm_area *dst_vma, struct vm_area *src_vma);

/* mprotect: give every present entry of [start, end) vma's page_prot. mmap_lock write. */
void change_protection(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end);

/*
 * mremap: move the entries of [old, old + len) to new in new_vma. Returns the bytes moved:
 * less than len when a table could not be allocated. mmap_lock write.
 */
u64 move_page_tables(struct vm_area *vma, vaddr_t old_addr, struct vm_area *new_vma,
		     vaddr_t new_addr, u64 len);

/* Advices. mmap_lock read unless said otherwise. */
void madvise_free_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
void madvise_cold_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
void madvise_pageout_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
/* 0, -ENOMEM. Zaps what is there and puts guard markers everywhere. vma is VM_MAYBE_GUARD. */
int guard_install_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
void guard_remove_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
/* One byte a page, 0 or 1, into ret_vec. */
void mincore_range(struct vm_area *vma, vaddr_t start, vaddr_t end, u8 *ret_vec);
/* mlock: give vma new flags; count or uncount the pages that are mapped now. mmap_lock write. */
void mlock_vma_pages_range(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 new_flags);

#endif
