/* SPDX-License-Identifier: MIT */
/* anon: private anonymous memory: the first touch of a page, and copy-on-write. */
#ifndef ANON_ANON_H
#define ANON_ANON_H

#include "mmu/tlb.h"
#include "rmap/anon_vma.h"

/*
 * Everything one fault knows. Filled in by groups as the phases of fault/ go on.
 */
struct vm_fault {
	/* input */
	struct vm_area *vma;
	struct mm *mm;
	vaddr_t address; /* page aligned */

	/* scratch: NULL whenever it must not be used */
	pte_t *pte;      /* the entry, mapped; valid only until the table's lock is dropped */
	spinlock_t *ptl; /* held when not NULL */
	pte_t orig_pte;  /* what the entry was when the phase was chosen */

	/* what the access wants, decided once */
	bool write;   /* FAULT_FLAG_WRITE */
	bool unshare; /* FAULT_FLAG_UNSHARE: an exclusive page, still read-only */
};

/* Let go of the entry, so that nobody uses it by mistake. */
static inline void fault_unlock_pte(struct vm_fault *vmf)
{
	spin_unlock(vmf->ptl);
	vmf->ptl = NULL;
	vmf->pte = NULL;
}

/*
 * Each returns VM_FAULT_* bits (fault/fault.h), 0 for "served, or somebody else was faster".
 * do_anonymous_page: the entry was none; no lock held on entry or exit.
 * do_wp_page: the entry is present, not writable, and its lock is held; dropped on exit.
 */
u32 do_anonymous_page(struct vm_fault *vmf);
u32 do_wp_page(struct vm_fault *vmf);

#define ANON_FAULT_OOM 1u /* the value of VM_FAULT_OOM */

/* The entry of a page as the vma allows it: writable if the vma is. */
pte_t maybe_mkwrite(pte_t pte, const struct vm_area *vma);
/* A new anonymous page for addr, zeroed or a copy of src; NULL: no memory. */
struct page *anon_page_alloc(struct mm *mm, enum fail_site site);
struct page *anon_page_copy(struct mm *mm, struct page *src, enum fail_site site);

#endif
