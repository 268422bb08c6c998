/* SPDX-License-Identifier: MIT */
/*
 * range: operations on all entries of a range: zap, copy (fork), protect, move, and the
 * advices that touch entries. mmap_lock is held as each function says; entries change under
 * their table's ptl; flushes are gathered (mmu/tlb.h) and done before any frame is freed.
 */
#ifndef RANGE_RANGE_H
#define RANGE_RANGE_H

#include "filemap/filemap.h"
#include "mmu/tlb.h"
#include "vma/vma.h"

enum zap_flag {
	ZAP_DROP_MARKERS = 1 << 0, /* the vma, or the page for good, goes: markers go with it */
	ZAP_UNMAP = 1 << 1,        /* munmap or exit */
	ZAP_BY_RMAP = 1 << 2,      /* the reverse map is locked instead of mmap_lock */
};

/* How to zap. NULL stands for all of it: a vma that goes. */
struct zap_details {
	struct page *single_page; /* only entries of this (locked) page; NULL: of any */
	bool skip_cows;           /* only pages of the file, not private copies (nor their swap) */
	u32 flags;                /* enum zap_flag; guards, and uffd-wp of files, stay otherwise */
};

/*
 * Unmap the pages of [start, end) of vma into the gather. mmap_lock held, read is enough; or see
 * ZAP_BY_RMAP.
 */
void unmap_page_range(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		      const struct zap_details *details);
/*
 * Free tables that map only addresses in [floor, ceiling) around the zapped [start, end): the
 * holes to the neighbouring vmas count as free. mmap_lock write.
 */
void free_pgtables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor,
		   vaddr_t ceiling);

/* unmap_page_range with a gather of its own. */
void zap_page_range_single(struct vm_area *vma, vaddr_t start, vaddr_t end,
			   const struct zap_details *details);

/* fork: copy src_vma's entries to dst_vma, write-protecting both. Both mmap_locks write. */
int copy_page_range(struct vm_area *dst_vma, struct vm_area *src_vma);

enum protect_flag {
	MM_CP_UFFD_WP = 1 << 0,         /* write-protected by userfaultfd from now on */
	MM_CP_UFFD_WP_RESOLVE = 1 << 1, /* not any more */
};
/*
 * Give the entries of [start, end) vma's page_prot. flags 0: mprotect, which cannot fail; mmap_lock
 * write. With one of enum protect_flag: mmap_lock read; -ENOMEM: no table for markers, what lies
 * before is done.
 */
int change_protection(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		      u32 flags);
/* change_protection with a gather of its own: userfaultfd protects, or lets go of, the range. */
int uffd_wp_range(struct vm_area *vma, vaddr_t start, vaddr_t end, bool enable);
/* Userfaultfd protects [start, end) of one table, ptep being start's. ptl held. */
void uffd_wp_ptes(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		  pte_t *ptep);

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
/*
 * Reverse zap: every mapping of pages [first, first + nr) of a file; private copies too if
 * even_cows (truncation). unmap_mapping_page: of one locked page, for good (markers go).
 */
void unmap_mapping_pages(struct address_space *mapping, pgoff_t first, u64 nr, bool even_cows);
void unmap_mapping_page(struct page *page);
/*
 * swapoff, for one mm: bring home every page whose entry is in the area. 0, -ENOMEM, -EIO.
 * Takes mmap_lock for read.
 */
int unuse_mm(struct mm *mm, u32 type);
/* MADV_WILLNEED on memory that may be in swap. */
void madvise_willneed_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
/* One byte a page, 0 or 1, into ret_vec. */
void mincore_range(struct vm_area *vma, vaddr_t start, vaddr_t end, u8 *ret_vec);
/*
 * mlock: give vma new flags; count or uncount the pages that are mapped now. mmap_lock write,
 * between mlock_begin() and mlock_end() (rmap/rmap.h).
 */
void mlock_vma_pages_range(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 new_flags);

#endif
