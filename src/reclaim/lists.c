/* SPDX-License-Identifier: MIT */
/*
 * Working through the lists of one node of a group: which list, how much of it, and how pages go
 * from active to inactive.
 *
 *   new, anonymous or of a file ──► inactive ──── used twice ───► active
 *                                      ▲  │                          │
 *                                      │  └── tail ──► shrink_page   │
 *                                      └───────────── tail ──────────┘ while inactive is low
 */
#include "base/uapi.h"
#include "reclaim/reclaim_internal.h"

/* ---- isolating ------------------------------------------------------------------------------ */

/*
 * lru_lock held. Take up to nr pages off the tail of a list, with a reference each; looks at no
 * more than nr. Those that somebody else is taking, or freeing, go to the head meanwhile.
 */
static u64 isolate_tail(struct lruvec *lruvec, enum lru_list list, u64 nr, struct list_head *taken)
{
	struct list_head *head = &lruvec->lists[list];
	u64 nr_taken = 0;

	while (nr-- > 0 && !list_empty(head)) {
		struct page *page = list_last_entry(head, struct page, lru);

		if (!page_test_lru(page) || !get_page_unless_zero(page)) {
			list_del_init(&page->lru);
			list_add(&page->lru, head);
			continue;
		}
		if (!page_test_clear_lru(page)) {
			/* Who was faster waits for this lock, and has a reference. */
			put_page(page);
			list_del_init(&page->lru);
			list_add(&page->lru, head);
			continue;
		}
		lru_unlink_locked(lruvec, page);
		list_add(&page->lru, taken);
		nr_taken++;
	}
	return nr_taken;
}

/* ---- inactive ------------------------------------------------------------------------------- */

static void shrink_inactive(struct scan *scan, struct lruvec *lruvec, enum lru_list list, u64 nr)
{
	bool file = list >= LRU_INACTIVE_FILE;
	u64 scanned = scan->nr_scanned, freed = scan->nr_freed, activated[2] = { 0, 0 }, nr_taken;
	struct list_head taken;

	list_init(&taken);
	spin_lock(&lruvec->lru_lock);
	nr_taken = isolate_tail(lruvec, list, nr, &taken);
	lruvec->scanned[file] += nr_taken;
	spin_unlock(&lruvec->lru_lock);
	if (!nr_taken)
		return;
	shrink_page_list(scan, &taken, activated);
	spin_lock(&lruvec->lru_lock);
	for (unsigned kind = 0; kind < 2; kind++)
		lruvec->rotated[kind] += activated[kind];
	spin_unlock(&lruvec->lru_lock);
	count_vm_events(scan->m, scan->kswapd ? PGSCAN_KSWAPD : PGSCAN_DIRECT,
			(s64)(scan->nr_scanned - scanned));
	count_vm_events(scan->m, scan->kswapd ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT,
			(s64)(scan->nr_freed - freed));
}

/* ---- active --------------------------------------------------------------------------------- */

/* Programs that run are used without being touched otherwise: they get another round. */
static bool stays_active(struct page *page)
{
	u64 vm_flags;

	return folio_referenced(page, &vm_flags) > 0 && (vm_flags & VM_EXEC) &&
	       page_is_file_lru(page);
}

static void age_page(struct page *page, u64 *nr_rotated)
{
	/* The walk of a page of a file needs its lock; a page that is locked is in use. */
	bool anon = page_test_anon(page);

	if (!page_test_mlocked(page) && (anon || page_trylock(page))) {
		bool stays = stays_active(page);

		if (!anon)
			page_unlock(page);
		if (stays) {
			(*nr_rotated)++;
			return;
		}
	}
	page_clear_active(page);
	count_vm_event(machine_of(page), PGDEACTIVATE);
}

static void shrink_active(struct lruvec *lruvec, enum lru_list list, u64 nr)
{
	bool file = list >= LRU_INACTIVE_FILE;
	u64 nr_rotated = 0, nr_taken;
	struct list_head taken;

	list_init(&taken);
	spin_lock(&lruvec->lru_lock);
	nr_taken = isolate_tail(lruvec, list, nr, &taken);
	lruvec->scanned[file] += nr_taken;
	spin_unlock(&lruvec->lru_lock);
	while (!list_empty(&taken)) {
		/* The oldest last: it goes to the tail again. */
		struct page *page = list_last_entry(&taken, struct page, lru);

		list_del_init(&page->lru);
		age_page(page, &nr_rotated);
		lru_putback(page);
		put_page(page);
	}
	spin_lock(&lruvec->lru_lock);
	lruvec->rotated[file] += nr_rotated;
	spin_unlock(&lruvec->lru_lock);
}

static u64 square_root(u64 n)
{
	u64 root = 0;

	while ((root + 1) * (root + 1) <= n)
		root++;
	return root;
}

/* The more memory, the smaller the part of it that is enough to see what is used again. */
static bool inactive_is_low(const struct lruvec *lruvec, enum lru_list inactive)
{
	u64 nr_inactive = lruvec->nr[inactive], nr_active = lruvec->nr[inactive + 1];
	u64 gb = (nr_inactive + nr_active) >> (30 - PAGE_SHIFT);
	u64 ratio = gb ? square_root(10 * gb) : 1;

	return nr_inactive * ratio < nr_active;
}

/* ---- how much of which ---------------------------------------------------------------------- */

/* Pages of one kind that were looked at and turned out to be in use say: look at the other. */
static u64 pressure(struct lruvec *lruvec, unsigned kind, u64 weight, u64 nr_pages)
{
	if (lruvec->scanned[kind] > nr_pages / 4) {
		lruvec->scanned[kind] /= 2;
		lruvec->rotated[kind] /= 2;
	}
	return weight * (lruvec->scanned[kind] + 1) / (lruvec->rotated[kind] + 1);
}

/*
 * lru_lock held. Pages of each list to look at in this round, by vm.swappiness and by what
 * scanning either kind has brought.
 */
static void scan_counts(const struct scan *scan, struct lruvec *lruvec, u64 *ret_nr)
{
	u64 anon = lruvec->nr[LRU_INACTIVE_ANON] + lruvec->nr[LRU_ACTIVE_ANON];
	u64 file = lruvec->nr[LRU_INACTIVE_FILE] + lruvec->nr[LRU_ACTIVE_FILE];
	u32 swappiness = scan->m->config.swappiness;
	u64 share[2] = { 0, 1 };

	if (!swap_free_pages(scan->m) || (lruvec->group && !swappiness)) {
		/* files alone */
	} else if (scan->priority == 0 && swappiness) {
		share[0] = 1;
	} else if (lruvec->nr[LRU_INACTIVE_FILE] >> scan->priority &&
		   !inactive_is_low(lruvec, LRU_INACTIVE_FILE)) {
		/* plenty of file pages that were used once */
	} else {
		share[0] = pressure(lruvec, 0, swappiness, anon);
		share[1] = pressure(lruvec, 1, 200 - MIN(swappiness, 200), file);
		if (!share[0] && !share[1])
			share[1] = 1;
	}
	for (unsigned list = 0; list < LRU_UNEVICTABLE; list++) {
		u64 nr = lruvec->nr[list] >> scan->priority;

		/* With nothing in a share of a small list, the last rounds still see it whole. */
		if (scan->priority && share[0] && share[1])
			nr = nr * share[list >= LRU_INACTIVE_FILE] / (share[0] + share[1]);
		ret_nr[list] = share[list >= LRU_INACTIVE_FILE] ? nr : 0;
	}
}

static void shrink_list(struct scan *scan, struct lruvec *lruvec, enum lru_list list, u64 nr)
{
	bool low;

	if (list == LRU_INACTIVE_ANON || list == LRU_INACTIVE_FILE) {
		shrink_inactive(scan, lruvec, list, nr);
		return;
	}
	spin_lock(&lruvec->lru_lock);
	low = inactive_is_low(lruvec, (enum lru_list)(list - 1));
	spin_unlock(&lruvec->lru_lock);
	if (low)
		shrink_active(lruvec, list, nr);
}

void shrink_lruvec(struct scan *scan, struct lruvec *lruvec)
{
	u64 left[NR_LRU_LISTS] = { 0 };

	spin_lock(&lruvec->lru_lock);
	scan_counts(scan, lruvec, left);
	spin_unlock(&lruvec->lru_lock);
	while ((left[LRU_INACTIVE_ANON] || left[LRU_ACTIVE_FILE] || left[LRU_INACTIVE_FILE]) &&
	       scan->nr_freed < scan->nr_wanted) {
		for (unsigned list = 0; list < LRU_UNEVICTABLE; list++) {
			u64 nr = MIN(left[list], RECLAIM_BATCH);

			left[list] -= nr;
			if (nr)
				shrink_list(scan, lruvec, (enum lru_list)list, nr);
		}
	}
	/* So that there are inactive pages, some of them with A clear, when they are wanted. */
	if (swap_total_pages(scan->m))
		shrink_list(scan, lruvec, LRU_ACTIVE_ANON, RECLAIM_BATCH);
}
