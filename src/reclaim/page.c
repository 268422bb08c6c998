/* SPDX-License-Identifier: MIT */
/*
 * What becomes of one page. It is isolated and locked; the order of the questions is Linux's:
 *
 *   locked into memory, or used since the last look?  keep, or activate
 *   anonymous, without slot                           a slot of swap, or activate
 *   mapped                                            unmap; still mapped: activate
 *   dirty                                             write it out: swap, shmem, a file
 *   lazily freed                                      free, if only we hold it
 *   in a cache                                        free, if only the cache and we hold it
 *
 * The last step takes all references at once ("freezes" the count), under the lock of the cache,
 * so that nobody can find the page between being looked at and being gone. Who has found it before
 * holds a reference, and the page stays.
 */
#include "base/uapi.h"
#include "reclaim/reclaim_internal.h"
#include "shmem/shmem.h"

/* References of a cache and of us. */
#define CACHED_REFS 2

enum references { REFS_RECLAIM, REFS_RECLAIM_CLEAN, REFS_KEEP, REFS_ACTIVATE };

static enum references check_references(struct page *page)
{
	u64 vm_flags;
	int ptes = folio_referenced(page, &vm_flags);
	bool referenced;

	if (vm_flags & VM_LOCKED)
		return REFS_ACTIVATE;
	if (ptes < 0)
		return REFS_KEEP;
	referenced = page_test_referenced(page);
	page_clear_referenced(page);
	if (ptes > 0) {
		/* The fault that brought it in set A: it is in use if it was used since. */
		page_set_referenced(page);
		if (referenced || ptes > 1)
			return REFS_ACTIVATE;
		if ((vm_flags & VM_EXEC) && page_is_file_lru(page))
			return REFS_ACTIVATE;
		return REFS_KEEP;
	}
	return referenced && page_is_file_lru(page) ? REFS_RECLAIM_CLEAN : REFS_RECLAIM;
}

/* Unmapped, clean and nobody else's: leave the cache with all references. pages.lock taken. */
static bool take_from_page_cache(struct page *page)
{
	struct address_space *mapping = page_mapping_file(page);
	bool taken;

	spin_lock(&mapping->pages.lock);
	taken = atomic_cmpxchg(&page->refcount, CACHED_REFS, 0) == CACHED_REFS;
	if (taken && page_test_dirty(page)) {
		atomic_set(&page->refcount, CACHED_REFS);
		taken = false;
	}
	if (taken) {
		filemap_remove_page_locked(page, 0);
		if (inode_is_shmem(mapping->host))
			shmem_page_dropped(mapping->host);
	}
	spin_unlock(&mapping->pages.lock);
	return taken;
}

/* No cache has it: we alone, or somebody is still using it. */
static bool take_uncached(struct page *page)
{
	return atomic_cmpxchg(&page->refcount, 1, 0) == 1;
}

static bool take_page(struct page *page)
{
	if (page_test_swapcache(page))
		return swap_cache_take_unused(page);
	if (!page_test_anon(page) && page_mapping_file(page))
		return take_from_page_cache(page);
	if (!take_uncached(page))
		return false;
	if (page_test_anon(page) && !page_test_swapbacked(page))
		count_vm_event(machine_of(page), PGLAZYFREED);
	return true;
}

/* PAGE_FREED: it is clean now. */
static enum page_fate write_page(struct scan *scan, struct page *page)
{
	/* Unmapped, so references only become fewer: whoever has one more is using it. */
	if (page_count(page) > CACHED_REFS)
		return PAGE_KEPT;
	if (page_test_swapcache(page)) {
		/* No entry refers to the slot: the data is nobody's. */
		if (folio_free_swap(page))
			return PAGE_FREED;
		return swap_writeout(page) ? PAGE_ACTIVATED : PAGE_FREED;
	}
	if (page_test_anon(page) || !page_mapping_file(page))
		return PAGE_FREED;
	if (page_test_swapbacked(page))
		return swap_free_pages(scan->m) && !shmem_writeout(page) ? PAGE_FREED :
									   PAGE_ACTIVATED;
	if (!scan->write_files) {
		page_set_reclaim(page);
		return PAGE_ACTIVATED;
	}
	return filemap_writepage(page) ? PAGE_ACTIVATED : PAGE_FREED;
}

static bool wants_slot(const struct page *page)
{
	return page_test_anon(page) && page_test_swapbacked(page) && !page_test_swapcache(page);
}

static enum page_fate shrink_locked(struct scan *scan, struct page *page)
{
	enum references references = REFS_RECLAIM;
	enum page_fate fate;

	if (page_test_mlocked(page) || page_test_writeback(page))
		return PAGE_ACTIVATED;
	if (!scan->ignore_references)
		references = check_references(page);
	if (references == REFS_ACTIVATE)
		return PAGE_ACTIVATED;
	if (references == REFS_KEEP)
		return PAGE_KEPT;
	if (wants_slot(page) && page_mapcount(page)) {
		if (page_maybe_dma_pinned(page))
			return PAGE_KEPT;
		if (add_to_swap(page))
			return PAGE_ACTIVATED;
	}
	if (page_mapcount(page))
		try_to_unmap(page, 0);
	/* Once it is unmapped it cannot be pinned any more. */
	if (page_mapcount(page) || page_maybe_dma_pinned(page))
		return PAGE_ACTIVATED;
	if (page_test_dirty(page)) {
		if (references == REFS_RECLAIM_CLEAN && !page_is_file_lru(page))
			return PAGE_KEPT;
		fate = write_page(scan, page);
		if (fate != PAGE_FREED)
			return fate;
	}
	return take_page(page) ? PAGE_FREED : PAGE_KEPT;
}

enum page_fate shrink_page(struct scan *scan, struct page *page)
{
	enum page_fate fate;

	scan->nr_scanned++;
	if (!page_trylock(page))
		return PAGE_KEPT;
	fate = shrink_locked(scan, page);
	if (fate == PAGE_ACTIVATED && page_test_swapcache(page) &&
	    (page_test_mlocked(page) || vm_swap_full(scan->m)))
		(void)folio_free_swap(page);
	page_unlock(page);
	/* Whoever gave up the last entry of its slot meanwhile could not lock it. */
	if (fate != PAGE_FREED)
		free_swap_cache(page);
	return fate;
}

void shrink_page_list(struct scan *scan, struct list_head *pages, u64 ret_activated[2])
{
	struct page *freed[FREE_BATCH];
	u32 nr_freed = 0;

	while (!list_empty(pages)) {
		struct page *page = list_last_entry(pages, struct page, lru);
		enum page_fate fate;

		list_del_init(&page->lru);
		fate = shrink_page(scan, page);
		if (fate == PAGE_FREED) {
			scan->nr_freed++;
			freed[nr_freed++] = page;
			if (nr_freed == FREE_BATCH) {
				free_zero_ref_pages(freed, nr_freed);
				nr_freed = 0;
			}
			continue;
		}
		if (fate == PAGE_ACTIVATED && !page_test_mlocked(page)) {
			page_set_active(page);
			ret_activated[page_is_file_lru(page)]++;
			count_vm_event(scan->m, PGACTIVATE);
		}
		lru_putback(page);
		put_page(page);
	}
	free_zero_ref_pages(freed, nr_freed);
}
