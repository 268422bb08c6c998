/* SPDX-License-Identifier: MIT */
/* anon: private anonymous memory: the first touch of a page, and copy-on-write. */
#ifndef ANON_ANON_H
#define ANON_ANON_H

#include "mmu/tlb.h"
#include "rmap/anon_vma.h"

/* What came of a fault: Linux's names and meanings; 0: served, or somebody else was faster. */
typedef u32 vm_fault_t;
enum {
	VM_FAULT_OOM = 1 << 0,
	VM_FAULT_SIGBUS = 1 << 1,
	VM_FAULT_HWPOISON = 1 << 4,
	VM_FAULT_SIGSEGV = 1 << 6,
	VM_FAULT_RETRY = 1 << 10,
	VM_FAULT_COMPLETED = 1 << 14,
};

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
 * do_anonymous_page: the entry was none; no lock held on entry or exit.
 * do_wp_page: the entry is present, not writable, and its lock is held; dropped on exit.
 */
vm_fault_t do_anonymous_page(struct vm_fault *vmf);
vm_fault_t do_wp_page(struct vm_fault *vmf);

/* The entry of a page as the vma allows it: writable if the vma is. */
pte_t maybe_mkwrite(pte_t pte, const struct vm_area *vma);
/* A new anonymous page, zeroed; NULL: no memory. */
struct page *anon_page_alloc(struct mm *mm, enum fail_site site);
/* Fill a page that nobody else can find yet with what src holds. */
void anon_page_fill(struct page *page, struct page *src);

#endif
