/* SPDX-License-Identifier: MIT */
/*
 * phys: the lists that reclaim works through, one set (struct lruvec) for each node of each group.
 *
 *   where a page of user memory is        flags
 *   in a CPU's batch, about to be added   PG_lru_batch, and the CPU's number
 *   on a list of its lruvec               PG_lru; PG_unevictable on LRU_UNEVICTABLE
 *   isolated: somebody works on it        neither; its lru field is theirs
 *
 * Which list: PG_unevictable, PG_swapbacked, PG_active. These change while the page is on no list,
 * or move it in the same breath (lru_activate and the like), never else. A page that is locked
 * into memory (PG_mlocked) goes to LRU_UNEVICTABLE, which reclaim leaves alone.
 *
 * A batch keeps two faults on two CPUs from meeting at one lock; it holds no reference: a page that
 * is freed or isolated leaves it. lru_lock (LC_LRU) of the lruvec guards lists, PG_mlocked and
 * mlock_count; a CPU's batch has a lock of its own (LC_LRU_BATCH, outside LC_LRU).
 */
#ifndef PHYS_LRU_H
#define PHYS_LRU_H

#include "phys/page.h"

enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	LRU_UNEVICTABLE,
	NR_LRU_LISTS
};

struct lruvec {
	spinlock_t lru_lock;
	struct list_head lists[NR_LRU_LISTS]; /* the head is the youngest */
	u64 nr[NR_LRU_LISTS];
	/* what reclaim learns: pages scanned and put back, anon and file */
	u64 scanned[2], rotated[2];
	u32 group, node;
} __cacheline_aligned;

int lru_init(struct machine *m);
void lruvec_init(struct lruvec *lruvec, u32 group, u32 node);
struct lruvec *page_lruvec(const struct page *page);

/* Anonymous and shmem pages are swap-backed but for lazily freed ones: those count as file. */
static inline bool page_is_file_lru(const struct page *page)
{
	return !page_test_swapbacked(page);
}

/* A page that is used from now on: onto the list that its flags (active, swapbacked) say. */
void lru_add(struct page *page);
/* This CPU's batch, or every CPU's, onto the lists. */
void lru_add_drain(struct machine *m);
void lru_add_drain_all(struct machine *m);
/*
 * Take a page off, for its caller alone; a reference must be held by the caller, and stays its
 * own. False: it was on no list, somebody else has it. What is locked into memory comes off too:
 * page_test_mlocked() is for the caller to ask.
 */
bool lru_isolate(struct page *page);
/* Back onto the list that its flags say. */
void lru_putback(struct page *page);
/* For the last references of pages: whatever each is on, it leaves. */
void lru_del_freed(struct page *const *pages, u32 nr);

/* Moves on the lists; without effect on a page that is isolated or locked into memory. */
void lru_activate(struct page *page);
void lru_deactivate(struct page *page);
/* MADV_FREE: an anonymous page: no longer swap-backed, cold, to the inactive file list. */
void lru_lazyfree(struct page *page);
/* To the tail of the inactive list, to be next: written back, can be freed now. */
void lru_rotate_reclaimable(struct page *page);

/* One mapping of a locked vma more, or less. */
void page_mlock(struct page *page);
void page_munlock(struct page *page);

/* ---- for reclaim: a list's lock is held ------------------------------------------------------ */

static inline enum lru_list lru_list_of_flags(u64 flags)
{
	if (flags & BIT(PG_unevictable))
		return LRU_UNEVICTABLE;
	return (enum lru_list)((flags & BIT(PG_swapbacked) ? 0 : LRU_INACTIVE_FILE) +
			       (flags & BIT(PG_active) ? 1 : 0));
}

static inline bool page_test_clear_lru(struct page *page)
{
	return sync_fetch_and(&page->flags, ~BIT(PG_lru), SYNC_ACQ_REL) & BIT(PG_lru);
}

/* A page whose PG_lru the caller has cleared leaves the list that it is still linked on. */
void lru_unlink_locked(struct lruvec *lruvec, struct page *page);
/* One that is on none is linked where its flags say, and PG_lru set. */
void lru_link_locked(struct lruvec *lruvec, struct page *page);

/* Pages of a group on its lists and in batches; drains those. */
u64 lru_pages(struct machine *m, u32 group);

/* Recount: as phys_verify. Idle. */
int lru_verify(struct machine *m, void (*report)(void *arg, const char *what, u64 a, u64 b),
	       void *arg);

#endif
