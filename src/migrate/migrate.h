/* SPDX-License-Identifier: MIT */
/*
 * migrate: a page's contents, place in caches and mappings move to another frame.
 *
 *   isolate ─ lock ─ try_to_migrate (entries wait) ─ take its place in the cache, if nobody else
 *   holds a reference ─ copy ─ remove_migration_ptes ─ unlock ─ free the old frame
 */
#ifndef MIGRATE_MIGRATE_H
#define MIGRATE_MIGRATE_H

#include "phys/page.h"
#include "rmap/rmap.h"

#define NR_MIGRATE_ATTEMPTS 10

/*
 * Move an isolated page (lru_isolate; the caller's reference) to a frame of a node. 0: done;
 * -EAGAIN: in use, after all attempts; -ENOMEM: no frame on that node. On failure the page is put
 * back on its list. The caller's reference is given back either way. May sleep.
 */
int migrate_page_to_node(struct page *old, unsigned node);
/*
 * move_pages(2) for one address. 0: *ret_status is the node that the page is on, or -errno of it
 * (-ENOENT: not present; -EFAULT: no vma, or the zero page; -EACCES: others map it too, and not
 * move_all; -EBUSY: on no list). 1: it has moved. -EAGAIN, -ENOMEM: it had to and could not.
 * *ret_status is untouched then. node -1: ask only. Takes mmap_lock for read.
 */
int move_page_of(struct mm *mm, vaddr_t addr, int node, bool move_all, int *ret_status);

#endif
