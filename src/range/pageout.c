/* SPDX-License-Identifier: MIT */
/*
 * MADV_PAGEOUT: the pages of a range are reclaimed now, whatever was used. One table at a time is
 * gathered under its lock and reclaimed after: their entries go by the reverse map, as any page's.
 *
 * A page that others map too is not for this process to give up. Linux also asks for the right to
 * write a file whose pages go, which the model's processes, being root's, always have.
 */
#include "base/uapi.h"
#include "phys/group.h"
#include "range/range.h"

static void take_page(struct list_head *taken, struct page *page)
{
	if (page_mapcount(page) != 1)
		return;
	page_clear_referenced(page);
	get_page(page);
	if (!lru_isolate(page)) {
		put_page(page);
	} else if (page_test_mlocked(page)) {
		lru_putback(page);
		put_page(page);
	} else {
		list_add(&page->lru, taken);
	}
}

static int gather_pages(struct mm_walk *walk, vaddr_t start, vaddr_t end, pte_t *ptep)
{
	struct machine *m = machine_of(walk->mm);

	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE, ptep++) {
		pte_t pte = ptep_get(ptep);
		struct page *page = pte_present(pte) ? vm_normal_page(m, pte) : NULL;

		if (page)
			take_page(walk->private, page);
	}
	return 0;
}

void madvise_pageout_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct list_head taken;
	struct mm_walk walk = { .ptes = gather_pages, .mm = vma->mm, .private = &taken };

	list_init(&taken);
	while ((start = pgtable_next_table(vma->mm, start, end)) < end) {
		vaddr_t next = MIN(ALIGN_DOWN(start, PMD_SIZE) + PMD_SIZE, end);

		(void)walk_page_range(&walk, start, next);
		(void)reclaim_ops.reclaim_pages(machine_of(vma), &taken);
		start = next;
	}
}
