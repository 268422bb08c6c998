/* SPDX-License-Identifier: MIT */
/*
 * vma: joining and dividing vmas. Two neighbours become one when nothing but their addresses
 * tells them apart: same flags (sticky ones aside), same file, same userfaultfd, page offsets that
 * run on, and anon_vmas that can be one. mmap_lock is held for write throughout.
 */
#ifndef VMA_MERGE_H
#define VMA_MERGE_H

#include "vma/vma.h"

/* What one merge knows. */
struct vma_merge {
	/* input: the range [start, end) as it is going to be */
	struct vm_area *middle; /* holds the range and changes its attributes; NULL: a new range */
	struct vm_area *prev;   /* the vma below the range, or NULL */
	struct vm_area *next;   /* the vma above the range, or NULL */
	vaddr_t start, end;
	pgoff_t pgoff; /* of start */
	u64 flags;
	struct file *file;            /* that backs it, or NULL */
	struct userfaultfd_ctx *uffd; /* that is told of its faults, or NULL */
	struct anon_vma *anon_vma;    /* that the range's pages belong to, or NULL */
	struct vm_area *copied_from;  /* whose pages a new range is about to receive (mremap) */

	/* fixed after checking: what becomes of the neighbours */
	struct vm_area *target;     /* grows over the range */
	vaddr_t new_start, new_end; /* target's bounds */
	pgoff_t new_pgoff;
	bool remove_next;
	bool remove_middle;

	/* result, when there was no merge: 0, or -ENOMEM */
	int err;
};

/*
 * A new range, not mapped yet: extend a neighbour over it. NULL: it stays on its own, or
 * merge->err. On success map_count is right; the other counters are the caller's.
 */
struct vm_area *vma_merge_new_range(struct vma_merge *merge);

/*
 * [start, end) of vma gets new flags: merge it with what it now equals, else split it off.
 * *ret_vma holds the range, and may be larger after a merge, which has set the flags; the
 * caller sets them otherwise. -ENOMEM: no memory, nothing changed; or the map count is at its
 * limit, where vma may have been split, as Linux leaves it.
 */
int vma_modify_flags(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 flags,
		     struct vm_area **ret_vma);
/* The same with another context, which the caller sets as well. */
int vma_modify_uffd(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 flags,
		    struct userfaultfd_ctx *uffd, struct vm_area **ret_vma);

/*
 * Divide vma at addr; vma keeps the lower part, *ret_upper is the new upper one. -ENOMEM with
 * nothing changed. split_vma also keeps to max_map_count.
 */
int vma_split_nolimit(struct vm_area *vma, vaddr_t addr, struct vm_area **ret_upper);
int split_vma(struct vm_area *vma, vaddr_t addr, struct vm_area **ret_upper);
/* Undo a split: lower takes upper's range back. Cannot fail. */
void vma_unsplit(struct vm_area *lower, struct vm_area *upper);

/*
 * Change the bounds of a linked vma under the locks of its file and its family, so that no walk of
 * the reverse maps sees half of the change.
 */
void vma_adjust(struct vm_area *vma, vaddr_t start, vaddr_t end, pgoff_t pgoff);
/* Give dst the anon_vma and the chains of src (or NULL: none), unless it has its own. -ENOMEM. */
int dup_anon_vma(struct vm_area *dst, struct vm_area *src);

/* Remove a vma whose pages have gone (or moved) from everything, and free it. */
void vma_remove(struct vm_area *vma);
/* A copy with the same attributes, not in the tree, without anon_vma. NULL: no memory. */
struct vm_area *vm_area_dup(const struct vm_area *vma, struct mm *mm);

#endif
