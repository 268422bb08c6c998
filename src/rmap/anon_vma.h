/* SPDX-License-Identifier: MIT */
/*
 * rmap: anon_vma, the handle by which an anonymous page finds the vmas that may map it. A vma
 * links to its own anon_vma and, after fork, to those of its ancestors, one anon_vma_chain
 * (avc) each; a page is found through the anon_vma of the vma that it was faulted into.
 *
 *   vma ──chain── avc ── anon_vma (own)
 *        └─────── avc ── anon_vma (parent's) ...
 *
 * The root's rwsem guards all trees and lists of a family.
 */
#ifndef RMAP_ANON_VMA_H
#define RMAP_ANON_VMA_H

#include "base/interval.h"
#include "phys/page.h"
#include "vma/vma.h"

struct anon_vma {
	struct anon_vma *root, *parent;
	struct rw_semaphore rwsem; /* the root's is used */
	atomic_t refcount;         /* avcs, other anon_vmas whose parent it is, walkers */
	u32 num_children;          /* root->rwsem: itself counts for a root */
	u32 num_active_vmas;       /* root->rwsem: vmas whose vma->anon_vma is this */
	struct interval_tree avcs; /* root->rwsem: by the page offsets of their vmas */
};

struct anon_vma_chain {
	struct vm_area *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma; /* mmap_lock, and page_table_lock for the first */
	struct interval_node node; /* root->rwsem: the place in anon_vma->avcs */
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
void anon_vma_lock_read(struct anon_vma *anon_vma);
bool anon_vma_trylock_read(struct anon_vma *anon_vma);
void anon_vma_unlock_read(struct anon_vma *anon_vma);
/*
 * Into and out of the trees of all its anon_vmas, the family's lock held for write: around a change
 * of the vma's bounds.
 */
void anon_vma_insert_vma(struct vm_area *vma);
void anon_vma_remove_vma(struct vm_area *vma);
/* Whether a vma has chains to anon_vmas of ancestors, so that merging would spread them. */
bool vma_had_uncowed_parents(const struct vm_area *vma);

/*
 * The anon_vma of a page that is mapped and cannot be freed, with a reference; NULL: no longer
 * mapped, or not anonymous. put_anon_vma: no lock of the family may be held, the root may go.
 */
struct anon_vma *page_get_anon_vma(const struct page *page);
void put_anon_vma(struct anon_vma *anon_vma);
/* Without a reference: a page of which somebody keeps the anon_vma. */
static inline struct anon_vma *page_anon_vma(const struct page *page)
{
	u64 mapping = smp_load_acquire(&((struct page *)page)->mapping);

	return mapping & PAGE_MAPPING_ANON ?
		       (struct anon_vma *)(uintptr_t)(mapping & ~PAGE_MAPPING_ANON) :
		       NULL;
}

/* ---- pages -------------------------------------------------------------------------------- */

/* A page that nobody else sees becomes an anonymous page of vma at addr: mapcount 1, exclusive. */
void page_add_new_anon_rmap(struct page *page, struct vm_area *vma, vaddr_t addr);
/* One more mapping by fork; the caller has settled exclusivity. */
void page_dup_anon_rmap(struct page *page);
/* A mapping less. mmap_lock held; without it: rmap/rmap.h. */
void page_remove_rmap(struct page *page, const struct vm_area *vma);
/* Reused by one process alone: from now on it belongs to this vma's anon_vma. */
void page_move_anon_rmap(struct page *page, struct vm_area *vma);

#endif
