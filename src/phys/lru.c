/* SPDX-License-Identifier: MIT */
/*
 * How pages come onto LRU lists, move and leave.
 *
 *                lru_add           batch full, drain
 *      (new page) ─────► in a batch ────────────────► on a list ◄───── moves
 *                            │  lru_isolate               │  ▲
 *                            ├────────────► isolated ◄────┘  │ lru_putback
 *                            │                  └────────────┘
 *                            └──► freed ◄── from anywhere, with the last reference
 *
 * Who clears PG_lru has the page; it is unlinked under lru_lock right after. So whoever finds a
 * page linked with PG_lru clear leaves it to the other. A page without references that is still
 * linked is being freed, and waits for the lock too.
 *
 * The CPU of the batch stands in the flags, beside PG_lru_batch: one look at the flags says where a
 * page is, and a look again under that lock whether it still is.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "phys/group.h"
#include "phys/lru_internal.h"

static struct lru_batch *batch_of_flags(const struct machine *m, u64 flags)
{
	return &m->lru->batches[(flags & PAGE_CPU_MASK) >> PAGE_CPU_SHIFT];
}

int lru_init(struct machine *m)
{
	struct lru *lru = machine_alloc_forever(m, sizeof(*lru));

	if (!lru)
		return -ENOMEM;
	lru->batches = machine_alloc_forever(m, m->config.cpus * sizeof(*lru->batches));
	if (!lru->batches)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < m->config.cpus; cpu++)
		spin_lock_init(&lru->batches[cpu].lock, LC_LRU_BATCH);
	m->lru = lru;
	return 0;
}

void lruvec_init(struct lruvec *lruvec, u32 group, u32 node)
{
	spin_lock_init(&lruvec->lru_lock, LC_LRU);
	for (unsigned i = 0; i < NR_LRU_LISTS; i++)
		list_init(&lruvec->lists[i]);
	lruvec->group = group;
	lruvec->node = node;
}

struct lruvec *page_lruvec(const struct page *page)
{
	return &group_of(machine_of(page), page->group)->lruvecs[page_node(page)];
}

/* ---- lists --------------------------------------------------------------------------------- */

static void add_to_list(struct lruvec *lruvec, struct page *page, enum lru_list list)
{
	VM_DEBUG_ON(page_lruvec(page) != lruvec);
	list_add(&page->lru, &lruvec->lists[list]);
	lruvec->nr[list]++;
}

static void del_from_list(struct lruvec *lruvec, struct page *page, enum lru_list list)
{
	VM_DEBUG_ON(page_lruvec(page) != lruvec);
	VM_BUG_ON2(!lruvec->nr[list], list, page_to_pfn(page).n);
	list_del_init(&page->lru);
	lruvec->nr[list]--;
}

void lru_unlink_locked(struct lruvec *lruvec, struct page *page)
{
	u64 flags = READ_ONCE(page->flags);

	del_from_list(lruvec, page, lru_list_of_flags(flags));
	if (unlikely(flags & BIT(PG_unevictable)))
		page_clear_unevictable(page);
}

/* Link a page that has the flags `batch` (or none) of a batch, which it loses. */
static void link_page(struct lruvec *lruvec, struct page *page, u64 batch)
{
	u64 flags = READ_ONCE(page->flags);
	u64 change = BIT(PG_lru);

	VM_BUG_ON2((flags & PAGE_BATCH_MASK) != batch, flags, page_to_pfn(page).n);
	VM_BUG_ON2(flags & (BIT(PG_lru) | BIT(PG_unevictable)), flags, page_to_pfn(page).n);
	if (unlikely(flags & BIT(PG_mlocked))) {
		change |= BIT(PG_unevictable);
		page_clear_active(page);
	}
	add_to_list(lruvec, page, lru_list_of_flags(flags | change));
	/* In one step: the bits to set are clear, those to clear are set. */
	(void)sync_fetch_add(&page->flags, change - batch, SYNC_RELEASE);
}

void lru_link_locked(struct lruvec *lruvec, struct page *page)
{
	link_page(lruvec, page, 0);
}

/* From the lock of one lruvec to that of another; NULL: none. */
static struct lruvec *lruvec_relock(struct lruvec *held, struct lruvec *wanted)
{
	if (held == wanted)
		return held;
	if (held)
		spin_unlock(&held->lru_lock);
	if (wanted)
		spin_lock(&wanted->lru_lock);
	return wanted;
}

/* ---- batches ------------------------------------------------------------------------------- */

static void batch_drain_locked(struct lru_batch *batch, unsigned cpu)
{
	struct lruvec *lruvec = NULL;

	for (u32 i = 0; i < batch->nr; i++) {
		lruvec = lruvec_relock(lruvec, page_lruvec(batch->pages[i]));
		link_page(lruvec, batch->pages[i], batch_flags(cpu));
	}
	(void)lruvec_relock(lruvec, NULL);
	batch->nr = 0;
}

void lru_add(struct page *page)
{
	struct machine *m = machine_of(page);
	unsigned cpu = machine_this_cpu(m);
	struct lru_batch *batch = &m->lru->batches[cpu];
	u64 old;

	VM_BUG_ON2(page_count(page) <= 0, page_to_pfn(page).n, page->flags);
	spin_lock(&batch->lock);
	old = sync_fetch_or(&page->flags, batch_flags(cpu), SYNC_RELAXED);
	VM_BUG_ON2(old & (BIT(PG_lru) | PAGE_BATCH_MASK), old, page_to_pfn(page).n);
	batch->pages[batch->nr++] = page;
	if (batch->nr == LRU_BATCH)
		batch_drain_locked(batch, cpu);
	spin_unlock(&batch->lock);
}

static void drain_cpu(struct machine *m, unsigned cpu)
{
	struct lru_batch *batch = &m->lru->batches[cpu];

	spin_lock(&batch->lock);
	batch_drain_locked(batch, cpu);
	spin_unlock(&batch->lock);
}

void lru_add_drain(struct machine *m)
{
	drain_cpu(m, machine_this_cpu(m));
}

void lru_add_drain_all(struct machine *m)
{
	for (unsigned cpu = 0; cpu < m->config.cpus; cpu++)
		drain_cpu(m, cpu);
}

/* The page's batch, locked, with the page in it; NULL: it is in none. */
static struct lru_batch *lock_batch_of(struct page *page)
{
	struct machine *m = machine_of(page);

	for (;;) {
		u64 flags = READ_ONCE(page->flags) & PAGE_BATCH_MASK;
		struct lru_batch *batch;

		if (!(flags & BIT(PG_lru_batch)))
			return NULL;
		batch = batch_of_flags(m, flags);
		spin_lock(&batch->lock);
		if ((READ_ONCE(page->flags) & PAGE_BATCH_MASK) == flags)
			return batch;
		/* It was drained meanwhile. */
		spin_unlock(&batch->lock);
	}
}

/* Out of its batch, the others staying in order. */
static void batch_remove_locked(struct lru_batch *batch, const struct page *page)
{
	u32 i = batch->nr;

	/* What leaves early mostly has come lately. */
	while (i > 0 && batch->pages[i - 1] != page)
		i--;
	VM_BUG_ON2(i == 0, page_to_pfn(page).n, batch->nr);
	for (; i < batch->nr; i++)
		batch->pages[i - 1] = batch->pages[i];
	batch->nr--;
}

/* ---- taking and giving back ---------------------------------------------------------------- */

/* For who has a reference: whether the page is theirs to unlink. */
static bool take_lru_flag(struct page *page)
{
	if (!MUTANT(lru_isolation_race))
		return page_test_clear_lru(page);
	if (!page_test_lru(page))
		return false;
	page_clear_lru(page);
	return true;
}

bool lru_isolate(struct page *page)
{
	struct lru_batch *batch = lock_batch_of(page);
	struct lruvec *lruvec;

	VM_BUG_ON2(page_count(page) <= 0, page_to_pfn(page).n, page->flags);
	if (batch) {
		batch_remove_locked(batch, page);
		(void)sync_fetch_and(&page->flags, ~PAGE_BATCH_MASK, SYNC_RELAXED);
		spin_unlock(&batch->lock);
		return true;
	}
	if (!take_lru_flag(page))
		return false;
	lruvec = page_lruvec(page);
	spin_lock(&lruvec->lru_lock);
	lru_unlink_locked(lruvec, page);
	spin_unlock(&lruvec->lru_lock);
	return true;
}

void lru_putback(struct page *page)
{
	struct lruvec *lruvec = page_lruvec(page);

	VM_BUG_ON2(page_count(page) <= 0, page_to_pfn(page).n, page->flags);
	spin_lock(&lruvec->lru_lock);
	lru_link_locked(lruvec, page);
	spin_unlock(&lruvec->lru_lock);
}

/* Nobody has a reference to the page any more: flags need no atomics. */
static void forget_place(struct page *page)
{
	WRITE_ONCE(page->flags,
		   READ_ONCE(page->flags) & ~(BIT(PG_lru) | BIT(PG_unevictable) | PAGE_BATCH_MASK));
}

/*
 * How many pages from the first on are neighbours on its list: what was added together often goes
 * together. Flags that say which list are the same then, as are group and node. lru_lock held.
 */
static u32 run_of(struct page *const *pages, u32 nr)
{
	u32 run = 1;

	while (run < nr && pages[run - 1]->lru.prev == &pages[run]->lru &&
	       (READ_ONCE(pages[run]->flags) & BIT(PG_lru)))
		run++;
	return run;
}

static void del_run(struct lruvec *lruvec, struct page *const *pages, u32 run)
{
	enum lru_list list = lru_list_of_flags(READ_ONCE(pages[0]->flags));
	struct list_head *next = pages[0]->lru.next, *prev = pages[run - 1]->lru.prev;

	VM_BUG_ON2(lruvec->nr[list] < run, lruvec->nr[list], run);
	next->prev = prev;
	prev->next = next;
	lruvec->nr[list] -= run;
	for (u32 i = 0; i < run; i++) {
		VM_DEBUG_ON(page_lruvec(pages[i]) != lruvec);
		list_init(&pages[i]->lru);
		forget_place(pages[i]);
	}
}

void lru_del_freed(struct page *const *pages, u32 nr)
{
	struct lruvec *lruvec = NULL;

	/* Batches first: their locks are taken outside those of lists. */
	for (u32 i = 0; i < nr; i++) {
		struct lru_batch *batch;

		/* Most have been on a list for long. */
		if (likely(!(READ_ONCE(pages[i]->flags) & BIT(PG_lru_batch))))
			continue;
		batch = lock_batch_of(pages[i]);
		if (!batch)
			continue;
		batch_remove_locked(batch, pages[i]);
		forget_place(pages[i]);
		spin_unlock(&batch->lock);
	}
	for (u32 i = 0, run; i < nr; i += run) {
		run = 1;
		if (!(READ_ONCE(pages[i]->flags) & BIT(PG_lru)))
			continue;
		lruvec = lruvec_relock(lruvec, page_lruvec(pages[i]));
		run = run_of(pages + i, nr - i);
		del_run(lruvec, pages + i, run);
	}
	(void)lruvec_relock(lruvec, NULL);
}

/* ---- moving -------------------------------------------------------------------------------- */

/* A change of the flags that say which list a page is on. */
struct place_change {
	u64 if_set, if_clear; /* else nothing happens */
	u64 set, clear;
};

static bool place_may_change(u64 flags, const struct place_change *change)
{
	return !(flags & (BIT(PG_mlocked) | BIT(PG_unevictable) | change->if_clear)) &&
	       (flags & change->if_set) == change->if_set;
}

static void change_flags(struct page *page, const struct place_change *change)
{
	if (change->set)
		(void)sync_fetch_or(&page->flags, change->set, SYNC_RELAXED);
	if (change->clear)
		(void)sync_fetch_and(&page->flags, ~change->clear, SYNC_RELAXED);
}

/* On its list, to the head of the one that its flags say then. lru_lock held. */
static bool change_list(struct lruvec *lruvec, struct page *page, const struct place_change *change)
{
	u64 flags = READ_ONCE(page->flags);

	if (!(flags & BIT(PG_lru)) || !place_may_change(flags, change))
		return false;
	del_from_list(lruvec, page, lru_list_of_flags(flags));
	change_flags(page, change);
	add_to_list(lruvec, page, lru_list_of_flags((flags | change->set) & ~change->clear));
	return true;
}

static bool change_place(struct page *page, const struct place_change *change)
{
	struct lru_batch *batch = lock_batch_of(page);
	struct lruvec *lruvec;
	bool changed;

	if (batch) {
		changed = place_may_change(READ_ONCE(page->flags), change);
		if (changed)
			change_flags(page, change);
		spin_unlock(&batch->lock);
		return changed;
	}
	lruvec = page_lruvec(page);
	spin_lock(&lruvec->lru_lock);
	changed = change_list(lruvec, page, change);
	spin_unlock(&lruvec->lru_lock);
	return changed;
}

void lru_activate(struct page *page)
{
	const struct place_change change = {
		.if_clear = BIT(PG_active),
		.set = BIT(PG_active),
	};

	if (change_place(page, &change))
		count_vm_event(machine_of(page), PGACTIVATE);
}

void lru_deactivate(struct page *page)
{
	const struct place_change change = {
		.if_set = BIT(PG_active),
		.clear = BIT(PG_active) | BIT(PG_referenced),
	};

	if (change_place(page, &change))
		count_vm_event(machine_of(page), PGDEACTIVATE);
}

void lru_lazyfree(struct page *page)
{
	const struct place_change change = {
		.if_set = BIT(PG_swapbacked),
		.if_clear = BIT(PG_swapcache),
		.clear = BIT(PG_active) | BIT(PG_referenced) | BIT(PG_swapbacked),
	};

	VM_BUG_ON2(!page_test_anon(page), page_to_pfn(page).n, page->flags);
	if (change_place(page, &change))
		count_vm_event(machine_of(page), PGLAZYFREE);
}

void lru_rotate_reclaimable(struct page *page)
{
	struct lruvec *lruvec = page_lruvec(page);
	enum lru_list list;
	u64 flags;

	spin_lock(&lruvec->lru_lock);
	flags = READ_ONCE(page->flags);
	if ((flags & BIT(PG_lru)) && !(flags & (BIT(PG_unevictable) | BIT(PG_dirty)))) {
		del_from_list(lruvec, page, lru_list_of_flags(flags));
		page_clear_active(page);
		list = lru_list_of_flags(flags & ~BIT(PG_active));
		list_add_tail(&page->lru, &lruvec->lists[list]);
		lruvec->nr[list]++;
	}
	spin_unlock(&lruvec->lru_lock);
}

void page_mark_accessed(struct page *page)
{
	if (!page_test_referenced(page)) {
		page_set_referenced(page);
	} else if (!page_test_mlocked(page) && !page_test_active(page)) {
		lru_activate(page);
		page_clear_referenced(page);
	}
}

/* ---- locked into memory -------------------------------------------------------------------- */

/* lru_lock held; a page in a batch, or isolated, finds its list when it comes back. */
static void relink_locked(struct lruvec *lruvec, struct page *page)
{
	if (!page_test_clear_lru(page))
		return;
	lru_unlink_locked(lruvec, page);
	lru_link_locked(lruvec, page);
}

void page_mlock(struct page *page)
{
	struct lruvec *lruvec = page_lruvec(page);

	spin_lock(&lruvec->lru_lock);
	if (page->mlock_count++ == 0) {
		page_set_mlocked(page);
		relink_locked(lruvec, page);
	}
	spin_unlock(&lruvec->lru_lock);
}

void page_munlock(struct page *page)
{
	struct lruvec *lruvec = page_lruvec(page);

	spin_lock(&lruvec->lru_lock);
	VM_BUG_ON2(!page->mlock_count, page_to_pfn(page).n, page->flags);
	if (--page->mlock_count == 0) {
		page_clear_mlocked(page);
		relink_locked(lruvec, page);
	}
	spin_unlock(&lruvec->lru_lock);
}

u64 lru_pages(struct machine *m, u32 group)
{
	u64 pages = 0;

	lru_add_drain_all(m);
	for (u32 node = 0; node < m->config.nodes; node++) {
		struct lruvec *lruvec = &group_of(m, group)->lruvecs[node];

		spin_lock(&lruvec->lru_lock);
		for (unsigned list = 0; list < NR_LRU_LISTS; list++)
			pages += lruvec->nr[list];
		spin_unlock(&lruvec->lru_lock);
	}
	return pages;
}
