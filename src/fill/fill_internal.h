/* SPDX-License-Identifier: MIT */
/* fill: one call that fills, and what it does to each page. See fill.c. */
#ifndef FILL_FILL_INTERNAL_H
#define FILL_FILL_INTERNAL_H

#include "fill/fill.h"
#include "phys/page.h"
#include "vma/vma.h"

struct fill {
	/* input */
	struct userfaultfd_ctx *ctx;
	struct mm *mm;
	vaddr_t dst, src; /* src: of COPY, in the caller's address space */
	u64 len;
	u32 flags; /* enum uffd_fill_flag */
	/* One page at addr of vma, whose table is there. 0, -errno; see source_missing. */
	int (*one)(struct fill *fill, struct vm_area *vma, vaddr_t addr);
	bool shmem_only;
	/* state */
	u64 done;            /* bytes */
	struct page *spare;  /* filled from the source of the page that is next, known to nobody */
	bool source_missing; /* ->one wants the source brought in first, and said so by an error */
};

int fill_copy(struct fill *fill, struct vm_area *vma, vaddr_t addr);
int fill_zero(struct fill *fill, struct vm_area *vma, vaddr_t addr);
int fill_cached(struct fill *fill, struct vm_area *vma, vaddr_t addr);
int fill_poison(struct fill *fill, struct vm_area *vma, vaddr_t addr);

/* mmap_lock held: the vma at addr, with an anon_vma if it is private; -ENOENT, -ENOMEM. */
int fill_find_vma(struct mm *mm, vaddr_t addr, struct vm_area **ret_vma);

#endif
