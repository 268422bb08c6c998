/* SPDX-License-Identifier: MIT */
/*
 * procfs: what one can see of an address space, in the kernel's formats byte for byte: proc(5),
 * Documentation/filesystems/proc.rst and admin-guide/mm/pagemap.rst. Each takes mmap_lock for
 * read, and looking changes nothing. The reader is one with CAP_SYS_ADMIN: it sees frames.
 */
#ifndef PROCFS_PROCFS_H
#define PROCFS_PROCFS_H

#include "base/format.h"
#include "vma/vma.h"

struct pm_scan_arg;

/* Bits of a word of pagemap; the low 55 are a frame, or type and offset of a swap-type entry. */
#define PM_FRAME_BITS 55
#define PM_SOFT_DIRTY BIT(55)
#define PM_MMAP_EXCLUSIVE BIT(56)
#define PM_UFFD_WP BIT(57)
#define PM_GUARD_REGION BIT(58)
#define PM_FILE BIT(61)
#define PM_SWAP BIT(62)
#define PM_PRESENT BIT(63)

/* /proc/PID/maps. */
void proc_maps(struct mm *mm, struct strbuf *sb);
/* /proc/PID/smaps: the vmas that touch [start, end). */
void proc_smaps(struct mm *mm, vaddr_t start, vaddr_t end, struct strbuf *sb);
void proc_smaps_rollup(struct mm *mm, struct strbuf *sb);
/* The lines of /proc/PID/status about memory, VmPeak to HugetlbPages. */
void proc_status(struct mm *mm, struct strbuf *sb);
/* /proc/PID/pagemap: zero where there is no vma. addr is page aligned. */
void proc_pagemap(struct mm *mm, vaddr_t addr, u64 nr_pages, u64 *ret_words);
/* PAGEMAP_SCAN of /proc/PID/pagemap: regions found, or -errno; arg->walk_end is set. */
s64 proc_pagemap_scan(struct mm *mm, struct pm_scan_arg *arg);
/* /proc/swaps; takes the lock of swapon. */
void proc_swaps(struct machine *m, struct strbuf *sb);

/* The first line of a vma in maps and smaps, up to where its name starts; no newline. */
void proc_vma_header(struct strbuf *sb, const struct vm_area *vma);
/* "start-end flags ... " of a range that may be no vma. Returns where the line starts. */
size_t proc_range_header(struct strbuf *sb, vaddr_t start, vaddr_t end, u64 flags);
/* Blanks up to the column of names, then the name. */
void proc_range_name(struct strbuf *sb, size_t line_start, const char *name);

#endif
