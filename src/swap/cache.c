/* SPDX-License-Identifier: MIT */
/*
 * The swap cache: pages that have a slot. It is what makes one page of two processes that bring
 * the same slot in, and what lets a page go again without writing while it is clean.
 *
 *             add_to_swap                try_to_unmap              swap_writeout
 *   a page ──────────────────► cached, ───────────────► cached, ──────────────────► cached,
 *     ▲                        count 0                  count > 0, dirty             clean
 *     │ delete_from_swap_cache                                                         │ reclaim
 *     │                        cached,     swapin_readahead                            ▼
 *     └─────────────────────── clean  ◄─────────────────────────────────────── slot alone
 *
 * Readahead is by slot: the slots beside the one wanted hold what was written out with it. The
 * window by virtual address, which Linux prefers on disks that do not turn, needs entries of page
 * tables, a room further down; and it has no effect that a program could count on. Its width
 * is always 2^page_cluster here, so that what comes in does not depend on what came in before.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "mmu/tlb.h"
#include "phys/group.h"
#include "swap/swap_internal.h"

static void page_set_slot(struct page *page, swp_entry_t entry)
{
	WRITE_ONCE(page->private, entry.offset << 5 | entry.type);
	page_set_swapcache(page);
}

int add_to_swap(struct page *page)
{
	struct machine *m = machine_of(page);
	swp_entry_t entry;

	VM_BUG_ON2(!page_test_locked(page) || !page_test_uptodate(page), page->flags,
		   page_to_pfn(page).n);
	VM_BUG_ON2(page_test_swapcache(page), page->private, page_to_pfn(page).n);
	if (should_fail(m, FAIL_SWAP_SLOT, 0))
		return -ENOMEM;
	get_page(page);
	if (swap_slot_take(page, &entry)) {
		put_page(page);
		return -ENOMEM;
	}
	page_set_slot(page, entry);
	page_set_dirty(page);
	return 0;
}

/* cluster of the page's slot locked. */
static void forget_page(struct swap_cluster *cluster, struct swap_slot *slot, struct page *page)
{
	VM_BUG_ON2(slot->cache != page, page->private, page_to_pfn(page).n);
	slot->cache = NULL;
	swap_slot_changed(cluster->area);
	page_clear_swapcache(page);
	WRITE_ONCE(page->private, 0);
	if (MUTANT(swap_slot_freed_early))
		slot->count = 0;
	if (!slot->count)
		swap_slot_release(cluster, slot);
}

void delete_from_swap_cache(struct page *page)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster =
		swap_lock_slot(machine_of(page), page_swap_entry(page), &slot);

	VM_BUG_ON2(!cluster || !page_test_locked(page), page->private, page_to_pfn(page).n);
	forget_page(cluster, slot, page);
	spin_unlock(&cluster->lock);
	put_page(page);
}

bool swap_cache_take_unused(struct page *page)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster =
		swap_lock_slot(machine_of(page), page_swap_entry(page), &slot);
	bool unused;

	VM_BUG_ON2(!cluster || !page_test_locked(page), page->private, page_to_pfn(page).n);
	/* References are taken under the cluster's lock: after this there is no way to the page. */
	unused = atomic_cmpxchg(&page->refcount, 2, 0) == 2;
	if (unused && page_test_dirty(page)) {
		atomic_set(&page->refcount, 2);
		unused = false;
	}
	if (unused)
		forget_page(cluster, slot, page);
	spin_unlock(&cluster->lock);
	return unused;
}

bool swap_cache_replace(struct page *old, struct page *page)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster = swap_lock_slot(machine_of(old), page_swap_entry(old), &slot);
	bool unused;

	VM_BUG_ON2(!cluster || !page_test_locked(old), old->private, page_to_pfn(old).n);
	VM_BUG_ON2(page->private != old->private, page->private, old->private);
	unused = page_count(old) == 2;
	if (unused) {
		VM_BUG_ON2(slot->cache != old, old->private, page_to_pfn(old).n);
		get_page(page);
		slot->cache = page;
		page_clear_swapcache(old);
		old->private = 0;
	}
	spin_unlock(&cluster->lock);
	if (unused)
		put_page(old);
	return unused;
}

bool folio_free_swap(struct page *page)
{
	VM_BUG_ON2(!page_test_locked(page), page->flags, page_to_pfn(page).n);
	if (!page_test_swapcache(page) || page_test_writeback(page))
		return false;
	if (swap_count(machine_of(page), page_swap_entry(page)))
		return false;
	delete_from_swap_cache(page);
	/* Its data is nowhere else from now on. */
	page_set_dirty(page);
	return true;
}

/* Whether a page that may be in the cache is the only one left to know of its slot. */
static bool slot_has_only_cache(struct page *page)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster;
	bool only;

	if (!page_test_swapcache(page))
		return false;
	cluster = swap_lock_slot(machine_of(page), page_swap_entry_unlocked(page), &slot);
	if (!cluster)
		return false;
	only = slot->cache == page && !slot->count;
	spin_unlock(&cluster->lock);
	return only;
}

void free_swap_cache(struct page *page)
{
	/* Again, because the last entry may have gone while we had the lock. */
	while (slot_has_only_cache(page) && !page_mapcount(page) && page_trylock(page)) {
		(void)folio_free_swap(page);
		page_unlock(page);
	}
}

const struct tlb_swap_ops tlb_swap_ops = {
	.free_swap_cache = free_swap_cache,
};

struct page *swap_cache_get(struct machine *m, swp_entry_t entry)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster = swap_lock_slot(m, entry, &slot);
	struct page *page;

	if (!cluster)
		return NULL;
	page = slot->cache;
	if (page)
		get_page(page);
	spin_unlock(&cluster->lock);
	return page;
}

/* ---- bringing in ---------------------------------------------------------------------- */

/*
 * Make a locked page the cached one of a slot in use. 0; -EEXIST: there is one, *ret_page with a
 * reference; -ENOENT: the slot is not in use.
 */
static int cache_insert(struct machine *m, swp_entry_t entry, struct page *page,
			struct page **ret_page)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster = swap_lock_slot(m, entry, &slot);
	int err = -ENOENT;

	if (!cluster)
		return -ENOENT;
	if (slot->cache) {
		get_page(slot->cache);
		*ret_page = slot->cache;
		err = -EEXIST;
	} else if (slot->count && slot->count != SWAP_SLOT_BAD) {
		get_page(page);
		page_set_slot(page, entry);
		slot->cache = page;
		err = 0;
	}
	spin_unlock(&cluster->lock);
	return err;
}

/* A page that is read from its slot. -EEXIST: *ret_page has been in the cache already. */
static int read_swap_cache(struct machine *m, swp_entry_t entry, u32 group, struct page **ret_page)
{
	struct page *page = swap_cache_get(m, entry);
	int err;

	if (page) {
		*ret_page = page;
		return -EEXIST;
	}
	if (!swap_count(m, entry))
		return -ENOENT;
	page = alloc_user_page(m, group, GFP_MOVABLE, FAIL_SWAPIN_PAGE);
	if (!page)
		return -ENOMEM;
	page_init_flags(page, BIT(PG_swapbacked));
	page_lock(page);
	err = cache_insert(m, entry, page, ret_page);
	if (err) {
		page_unlock(page);
		put_page(page);
		return err;
	}
	lru_add(page);
	/* Who finds a page that is not up to date knows that it could not be read. */
	if (!swap_read_page(page))
		page_set_uptodate(page);
	page_unlock(page);
	*ret_page = page;
	return 0;
}

static void read_ahead(struct machine *m, swp_entry_t entry, u32 group)
{
	u64 window = BIT(m->config.page_cluster);
	u64 first = ALIGN_DOWN(entry.offset, window);

	for (u64 at = MAX(first, 1); at < first + window; at++) {
		struct page *page = NULL;
		int err = read_swap_cache(m, (swp_entry_t){ entry.type, at }, group, &page);

		if (err == -ENOMEM)
			break;
		if (!err)
			count_vm_event(m, SWAP_RA);
		if (page) {
			/* Its last entry may have gone while it was locked. */
			free_swap_cache(page);
			put_page(page);
		}
	}
}

struct page *swapin_readahead(struct machine *m, swp_entry_t entry, u32 group, int *ret_err)
{
	struct page *page;
	int err = read_swap_cache(m, entry, group, &page);

	if (err && err != -EEXIST) {
		*ret_err = err;
		return NULL;
	}
	if (m->config.page_cluster)
		read_ahead(m, entry, group);
	return page;
}
