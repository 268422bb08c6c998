/* SPDX-License-Identifier: MIT */
/* vma: the vma that a moved range gets at its new place. */
#ifndef VMA_COPY_H
#define VMA_COPY_H

#include "vma/merge.h"

/*
 * A vma for [addr, addr + len), where nothing is mapped, with the attributes and the anon_vma
 * of *vma, whose part from old_addr on is moving there: a neighbour that grows, or a new one.
 * *vma may have become part of it, and is then changed to it. NULL: no memory, nothing changed.
 * mmap_lock held for write; the counters, map_count aside, are the caller's.
 */
struct vm_area *copy_vma(struct vm_area **vma, vaddr_t old_addr, vaddr_t addr, u64 len);

#endif
