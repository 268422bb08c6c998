/* SPDX-License-Identifier: MIT */
/*
 * reclaim: taking back memory that can be had again. Two lists for each kind (active, inactive;
 * anonymous, file) on each node and group: see reclaim.c for why not generations.
 */
#ifndef RECLAIM_RECLAIM_H
#define RECLAIM_RECLAIM_H

#include "phys/group.h"
#include "rmap/rmap.h"

/*
 * Reclaim these isolated pages, linked through lru, each with a reference that is given back, as
 * MADV_PAGEOUT does: references are not asked about. What cannot be is put back. Pages freed.
 */
u64 reclaim_pages(struct machine *m, struct list_head *pages);
/*
 * Direct reclaim for an allocation, from a group on all nodes; group 0: from all groups. Pages
 * freed. The caller may hold folio locks and what is outside of them (docs/LOCKING.md).
 */
u64 try_to_free_pages(struct machine *m, u32 group, u64 nr_wanted);
/*
 * One round of the background reclaimer of a node: until free pages reach the high watermark, and
 * (force) until something was freed. Pages freed.
 */
u64 kswapd_balance(struct machine *m, unsigned node, bool force);
bool kswapd_wanted(struct machine *m, unsigned node);

/*
 * Choose a process of a group (0: of all) and kill it: its accesses end with SIGKILL, and its
 * private memory is taken. The current process, which may be in the middle of anything, loses its
 * memory when oom_reap is called for it.
 */
enum oom_outcome out_of_memory(struct machine *m, u32 group, bool patient);
/* Take the private memory of a process that was killed; mmap_lock not held. */
void oom_reap(struct mm *mm);

#endif
