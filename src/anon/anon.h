/* SPDX-License-Identifier: MIT */
/* anon: private anonymous memory: the first touch of a page, and copy-on-write. */
#ifndef ANON_ANON_H
#define ANON_ANON_H

#include "mmu/tlb.h"
#include "rmap/anon_vma.h"
#include "vma/vm_fault.h"

/*
 * do_anonymous_page: the entry was none; no lock held on entry or exit.
 * do_wp_page: the entry of a private mapping is present, not writable, and its lock is held;
 * dropped on exit.
 */
vm_fault_t do_anonymous_page(struct vm_fault *vmf);
vm_fault_t do_wp_page(struct vm_fault *vmf);
/* The entry is that of a swap slot; no lock held on entry or exit, but see VM_FAULT_RETRY. */
vm_fault_t do_swap_page(struct vm_fault *vmf);

/*
 * A write to an entry that userfaultfd may protect, its lock held. 0: it does not, or (WP_ASYNC)
 * not any more, and orig_pte is what the entry is; otherwise what the fault came to, lock dropped.
 */
vm_fault_t wp_userfault(struct vm_fault *vmf);

/* Lock the entry and see that it is still orig_pte; false: somebody was faster, unlocked. */
bool lock_same_pte(struct vm_fault *vmf);
/* Map a new anonymous page, known to nobody. ptl held; the counter of the mm is the caller's. */
void install_anon_page(struct vm_fault *vmf, struct page *page, pte_t entry);
/* The entry keeps its page and becomes writable. ptl held, orig_pte is what it was. */
void wp_page_reuse(struct vm_fault *vmf);

/* The entry of a page as the vma allows it: writable if the vma is. */
pte_t maybe_mkwrite(pte_t pte, const struct vm_area *vma);
/* A new anonymous page, zeroed; NULL: no memory. */
struct page *anon_page_alloc(struct mm *mm, enum fail_site site);
/* One that anon_page_fill() fills. */
struct page *anon_page_alloc_for_copy(struct mm *mm);
/* Fill a page that nobody else can find yet with what src holds. */
void anon_page_fill(struct page *page, struct page *src);

#endif
