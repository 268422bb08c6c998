/* SPDX-License-Identifier: MIT */
/*
 * MADV_PAGEOUT without swap: there is nowhere to write a page to, so only pages whose contents
 * may be lost go away: those that MADV_FREE gave up and nobody wrote since, and those of
 * droppable mappings. The others are tried in vain, which makes them active.
 */
#include "base/uapi.h"
#include "range/range.h"
#include "rmap/anon_vma.h"

/*
 * Take the entry away first, so that nobody writes the page or takes a reference through it
 * any more, and look at the page then. False: it stays. ptl and page lock held.
 */
static bool discard_page(struct vm_area *vma, vaddr_t addr, pte_t *ptep, struct page *page)
{
	pte_t pte = ptep_get_and_clear(vma->mm, addr, ptep);
	bool keep;

	flush_tlb_page(vma->mm, addr);
	if (pte_dirty(pte))
		page_set_dirty(page);
	keep = page_test_dirty(page) && !(vma->flags & VM_DROPPABLE);
	if (keep)
		page_set_swapbacked(page);
	/* Whoever holds a reference may be filling the page. */
	if (keep || page_count(page) != 1) {
		set_pte_at(vma->mm, addr, ptep, pte);
		return false;
	}
	add_mm_counter(vma->mm, MM_ANONPAGES, -1);
	page_remove_rmap(page, vma);
	return true;
}

static int pageout_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct page *page;
	bool gone;

	if (!pte_present(pte))
		return 0;
	page = vm_normal_page(machine_of(walk->mm), pte);
	/* A page that others map too is not for this process to give up. */
	if (!page || page_mapcount(page) != 1)
		return 0;
	page_clear_referenced(page);
	if (page_test_swapbacked(page)) {
		page_set_active(page);
		return 0;
	}
	if (!page_trylock(page))
		return 0;
	gone = discard_page(walk->private, addr, ptep, page);
	page_unlock(page);
	if (gone)
		put_page(page);
	return 0;
}

void madvise_pageout_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct mm_walk walk = { .pte = pageout_pte, .mm = vma->mm, .private = vma };

	update_hiwater_rss(vma->mm);
	(void)walk_page_range(&walk, start, end);
}
