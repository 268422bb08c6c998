/* SPDX-License-Identifier: MIT */
/*
 * swap: areas, slots, and the swap cache.
 *
 *   area     a file of the host, or memory of the machine (no path); priority; clusters of
 *            SWAP_CLUSTER slots, each CPU filling one of its own
 *   slot     count: entries that refer to it (page tables, page cache); cache: the page that
 *            holds, or is about to hold, the same data
 *
 *   a slot is   free        in use, no page   in use, page in the swap cache   only the page
 *   count       0           > 0               > 0                              0
 *   cache       NULL        NULL              the page                         the page
 *
 * A page in the swap cache has PG_swapcache, its entry in private, and a reference for it. It
 * enters and leaves under its folio lock. The cluster's lock (LC_SWAP_CLUSTER) guards counts and
 * cache; the machine's swap_lock (LC_SWAP) the list of areas and of free clusters.
 */
#ifndef SWAP_SWAP_H
#define SWAP_SWAP_H

#include "mmu/entry.h"
#include "phys/alloc.h"
#include "phys/page.h"

#define SWAP_CLUSTER 512

/* Without the folio lock it may be another one by the time it is used. */
static inline swp_entry_t page_swap_entry_unlocked(const struct page *page)
{
	u64 value = READ_ONCE(((struct page *)page)->private);

	return (swp_entry_t){ (u32)(value & 31), value >> 5 };
}

static inline swp_entry_t page_swap_entry(const struct page *page)
{
	VM_BUG_ON2(!page_test_swapcache(page), page->flags, page_to_pfn(page).n);
	return page_swap_entry_unlocked(page);
}

int swap_init(struct machine *m);

/* ---- areas ---------------------------------------------------------------------------------- */

/* One at a time switches areas on or off, or lists them. May sleep; below it anything is taken. */
void swap_control_lock(struct machine *m);
void swap_control_unlock(struct machine *m);

struct swap_area_info {
	u32 type;
	char path[256]; /* empty: memory of the machine */
	u64 total_pages, used_pages;
	s32 priority;
};

/*
 * swapon: path NULL: memory of the machine, with room for that many pages; else a file that mkswap
 * prepared, as the kernel reads it (version 1 header: last page, bad pages refused). The file is
 * outside of the machine: a snapshot does not hold what is in it. prio -1: below all others.
 * -EINVAL (no swap file, size), -EBUSY (in use), -EPERM (MAX_SWAP_AREAS), -ENOMEM, host's errno.
 */
int swap_area_add(struct machine *m, const char *path, u64 pages, s32 prio, u32 *ret_type);
/* By path, or by type when NULL. -EINVAL: no such area. */
int swap_area_find(struct machine *m, const char *path, u32 *ret_type);
/* No more slots from it; -ENOMEM: what it holds would not fit into RAM and the other areas. */
int swap_area_stop(struct machine *m, u32 type);
/* Slots of it that are in use. */
u64 swap_area_used(struct machine *m, u32 type);
/*
 * Of a stopped area: another number whenever an entry, a count or a cached page of it has come or
 * gone, so that swapoff knows when it is worth looking again.
 */
u64 swap_area_changes(struct machine *m, u32 type);
/* An entry has come to be where swapoff would find it: said by who has put it there. */
void swap_entry_placed(struct machine *m, swp_entry_t entry);
/* Undo swap_area_stop. */
void swap_area_resume(struct machine *m, u32 type);
/* Every slot must be free. */
void swap_area_remove(struct machine *m, u32 type);
bool swap_area_next(struct machine *m, u32 *type, struct swap_area_info *ret_info);
/* The next slot in use at or after *slot of an area; false: none. */
bool swap_next_used(struct machine *m, u32 type, u64 *slot);
u64 swap_free_pages(struct machine *m);
u64 swap_total_pages(struct machine *m);

/* ---- slots: entries and counts -------------------------------------------------------------- */

/* One more entry refers to the slot (fork). -ENOMEM: the count would overflow its continuation. */
int swap_duplicate(struct machine *m, swp_entry_t entry);
/*
 * One entry less (zap). A slot that only the cache still holds loses its page too, if that can be
 * locked and is not in use; reclaim finds it otherwise.
 */
void free_swap_and_cache(struct machine *m, swp_entry_t entry);
/* The same, the cache left alone: do_swap_page has the page. */
void swap_free(struct machine *m, swp_entry_t entry);
/* Entries that refer to a slot; for a page in the swap cache. */
u32 swap_count(struct machine *m, swp_entry_t entry);

/* ---- the swap cache ------------------------------------------------------------------------- */

/*
 * Give a locked, uptodate page without a slot one, of count 0, and put it into the swap cache,
 * dirty. -ENOMEM: no slot free (or an injected failure).
 */
int add_to_swap(struct page *page);
/* Take a locked page out; the cache's reference is put. The slot goes if its count is 0. */
void delete_from_swap_cache(struct page *page);
/*
 * Migration: page, which nobody else knows, takes the place of a locked page that nobody else but
 * the caller holds; it has old's slot already. False: somebody holds old, nothing changed.
 */
bool swap_cache_replace(struct page *old, struct page *page);
/* The page of a slot, with a reference; NULL: not in memory. */
struct page *swap_cache_get(struct machine *m, swp_entry_t entry);
/*
 * Bring a slot's page in: the page of the cache, or a new one read into it; referenced, and
 * uptodate once it can be locked (not uptodate then: the read failed). NULL with *ret_err -ENOMEM,
 * or -ENOENT: the slot is no longer in use. group: who is charged. Reads neighbours ahead as
 * config.page_cluster says (see cache.c). No spinlock held.
 */
struct page *swapin_readahead(struct machine *m, swp_entry_t entry, u32 group, int *ret_err);
/* Write a locked page of the cache to its slot. 0: clean; -EIO: dirty still. Synchronous. */
int swap_writeout(struct page *page);
/* A locked page that no entry refers to any more (and no writeback) leaves the cache; true: did. */
bool folio_free_swap(struct page *page);
/*
 * The same for a page that the caller has a reference of and does not hold locked: if nobody maps
 * it. Whoever gives up the last entry of a slot can only try to lock its page, and leaves this to
 * the one who has it: after unlocking a page of the cache, ask.
 */
void free_swap_cache(struct page *page);
/*
 * Reclaim: take a locked page out of the cache if only the cache and the caller refer to it and it
 * is clean. True: its count is 0 now, to be freed by free_zero_ref_page().
 */
bool swap_cache_take_unused(struct page *page);
/* More than half of swap is used: free slots early. */
bool vm_swap_full(struct machine *m);

/* A value in a page cache (shmem) is one of the counted entries. */

/* ---- looking, while the machine is idle ----------------------------------------------------- */

/* Of a slot: its count and the page cached for it (NULL: none). false: there is no such slot. */
bool swap_peek(const struct machine *m, swp_entry_t entry, u32 *ret_count, struct page **ret_page);
/* Slots of an area, with the first one, which is never used; 0: it is off. */
u64 swap_peek_slots(const struct machine *m, u32 type);
/* Recount what is kept of free slots and clusters, as phys_verify. */
int swap_verify(struct machine *m, void (*report)(void *arg, const char *what, u64 a, u64 b),
		void *arg);

#endif
