/* SPDX-License-Identifier: MIT */
/* vma: finding free room in an address space. */
#ifndef VMA_GAP_H
#define VMA_GAP_H

#include "vma/vma.h"

/*
 * Where a mapping of len bytes (page aligned, not 0) goes: addr is a hint, or the place itself
 * with MAP_FIXED in flags (MAP_*). Returns a page aligned address, or as is_error_value()
 * tells -ENOMEM (no room, or past the end) or -EINVAL (MAP_FIXED, unaligned). mmap_lock held.
 * Without a hint, multiples of 2 MiB are put on 2 MiB boundaries, unless they are to map a file
 * (file, or MAP_SHARED in flags).
 */
u64 get_unmapped_area(struct mm *mm, const struct file *file, vaddr_t addr, u64 len, u32 flags);

/* A hint below mmap_min_addr is moved up to it; any other is rounded down to a page. */
vaddr_t round_hint_to_min(const struct mm *mm, vaddr_t hint);

#endif
