/* SPDX-License-Identifier: MIT */
/*
 * Zap: make the entries of a range none. The order for every page is
 *   entry cleared (ptl) → page loses its mapping → CPUs flushed → reference dropped
 * so that no CPU can reach a frame that has been given to somebody else. The gather holds
 * what waits for its flush; when it is full the table's lock is dropped for it.
 */
#include "range/range.h"

#include "rmap/anon_vma.h"

/* One table's worth of zapping. */
struct zap_table {
	struct mmu_gather *tlb;
	const struct vm_area *vma;
	const struct zap_details *details;
	s64 anon_pages; /* unmapped, and still in the mm's counter */
};

/* Clear one present entry; true when the gather is full. */
static bool zap_present_pte(struct zap_table *zap, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct mmu_gather *tlb = zap->tlb;
	struct page *page = vm_normal_page(machine_of(tlb->mm), pte);

	(void)ptep_get_and_clear(tlb->mm, addr, ptep);
	tlb_change_range(tlb, addr, addr + PAGE_SIZE);
	if (!page)
		return false;
	VM_BUG_ON2(!page_test_anon(page), pte.v, addr);
	zap->anon_pages++;
	page_remove_rmap(page, zap->vma);
	return tlb_remove_page(tlb, page);
}

/* A marker goes with its vma; an advice leaves guards where they are. */
static void zap_swap_type_pte(struct zap_table *zap, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	VM_BUG_ON2(!pte_is_marker(pte), pte.v, addr);
	if (zap->details && zap->details->keep_markers && pte_is_guard(pte))
		return;
	(void)ptep_get_and_clear(zap->tlb->mm, addr, ptep);
}

/* Zap from *addr within one table until its end or a full gather; *addr is where it stopped. */
static void zap_table(struct zap_table *zap, vaddr_t *addr, vaddr_t end)
{
	struct mmu_gather *tlb = zap->tlb;
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_lock(tlb->mm, *addr, &ptl);
	bool full = false;

	VM_BUG_ON2(!ptep, *addr, end);
	for (; *addr < end && !full; *addr += PAGE_SIZE, ptep++) {
		pte_t pte = ptep_get(ptep);

		if (pte_none(pte))
			continue;
		if (pte_present(pte))
			full = zap_present_pte(zap, *addr, ptep, pte);
		else
			zap_swap_type_pte(zap, *addr, ptep, pte);
	}
	add_mm_counter(tlb->mm, MM_ANONPAGES, -zap->anon_pages);
	zap->anon_pages = 0;
	spin_unlock(ptl);
	if (full)
		tlb_flush_mmu(tlb);
}

void unmap_page_range(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		      const struct zap_details *details)
{
	struct zap_table zap = { .tlb = tlb, .vma = vma, .details = details };
	vaddr_t addr = start;

	VM_BUG_ON2(start >= end || vma->start > start || vma->end < end, start, end);
	while ((addr = pgtable_next_table(vma->mm, addr, end)) < end)
		zap_table(&zap, &addr, MIN(ALIGN_DOWN(addr, PMD_SIZE) + PMD_SIZE, end));
}

static void release_table(void *arg, struct page *table)
{
	tlb_remove_table(arg, table);
}

void free_pgtables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor,
		   vaddr_t ceiling)
{
	struct table_range range = {
		.start = start,
		.end = end,
		.floor = floor,
		.ceiling = ceiling,
	};

	free_table_range(tlb->mm, &range, release_table, tlb);
}

void zap_page_range_single(struct vm_area *vma, vaddr_t start, vaddr_t end,
			   const struct zap_details *details)
{
	struct mmu_gather tlb;

	update_hiwater_rss(vma->mm);
	tlb_gather_mmu(&tlb, vma->mm);
	unmap_page_range(&tlb, vma, start, end, details);
	tlb_finish_mmu(&tlb);
}
