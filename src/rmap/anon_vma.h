/* SPDX-License-Identifier: MIT */
/*
 * rmap: anon_vma, the handle by which an anonymous page finds the vmas that may map it. A vma
 * links to its own anon_vma and, after fork, to those of its ancestors, one anon_vma_chain
 * (avc) each; a page is found through the anon_vma of the vma that it was faulted into.
 *
 *   vma ──chain── avc ── anon_vma (own)
 *        └─────── avc ── anon_vma (parent's) ...
 *
 * The root's rwsem guards all lists of a family.
 */
#ifndef RMAP_ANON_VMA_H
#define RMAP_ANON_VMA_H

#include "phys/page.h"
#include "vma/vma.h"

struct anon_vma {
	struct anon_vma *root, *parent;
	struct rw_semaphore rwsem; /* the root's is used */
	atomic_t refcount;         /* avcs on the list, other anon_vmas whose parent it is */
	u32 num_children;          /* root->rwsem: itself counts for a root */
	u32 num_active_vmas;       /* root->rwsem: vmas whose vma->anon_vma is this */
	struct list_head avcs;     /* root->rwsem */
};

struct anon_vma_chain {
	struct vm_area *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;      /* mmap_lock, and page_table_lock for the first */
	struct list_head same_anon_vma; /* root->rwsem */
};

/* Give the vma an anon_vma, its own or a mergeable neighbour's. mmap_lock read. -ENOMEM. */
int anon_vma_prepare(struct vm_area *vma);
/* dst gets the chains of src (split, copy, merge). -ENOMEM with nothing left behind. */
int anon_vma_clone(struct vm_area *dst, struct vm_area *src);
/* For a child's vma: the parent's chains and an anon_vma of its own (or a reused one). */
int anon_vma_fork(struct vm_area *vma, struct vm_area *parent_vma);
void unlink_anon_vmas(struct vm_area *vma);
/* The lock of the whole family. */
void anon_vma_lock_write(struct anon_vma *anon_vma);
void anon_vma_unlock_write(struct anon_vma *anon_vma);
/* Whether a vma has chains to anon_vmas of ancestors, so that merging would spread them. */
bool vma_had_uncowed_parents(const struct vm_area *vma);

/* ---- pages -------------------------------------------------------------------------------- */

/* A page that nobody else sees becomes an anonymous page of vma at addr: mapcount 1, exclusive. */
void page_add_new_anon_rmap(struct page *page, struct vm_area *vma, vaddr_t addr);
/* One more mapping by fork; the caller has settled exclusivity. */
void page_dup_anon_rmap(struct page *page);
void page_remove_rmap(struct page *page, const struct vm_area *vma);
/* A mapping of a vma that becomes locked, or is no longer. */
void page_mlock(struct page *page);
void page_munlock(struct page *page);
/* Reused by one process alone: from now on it belongs to this vma's anon_vma. */
void page_move_anon_rmap(struct page *page, struct vm_area *vma);

#endif
