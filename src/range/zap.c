/* SPDX-License-Identifier: MIT */
/*
 * Zap: make the entries of a range none. The order for every page is
 *   entry cleared (ptl) → page loses its mapping → CPUs flushed → reference dropped
 * so that no CPU can reach a frame that has been given to somebody else. The gather holds
 * what waits for its flush; when it is full the table's lock is dropped for it.
 *
 *   entry                       goes, unless                        and
 *   page                        private copy and skip_cows          A and D go to a file's page
 *   swap slot, poison           skip_cows                           the slot counts one less
 *   migration                   private copy and skip_cows
 *   marker: uffd-wp             of a file, and markers stay
 *   marker: guard               markers stay
 *   marker: swapped out
 *
 * What was write-protected by userfaultfd in a file's vma leaves a marker where markers stay.
 *
 * A dirty page of a file loses its mapping only after the flush: write-back that finds no mapping
 * any more may call the page clean, and a CPU that had not heard would write it unseen.
 */
#include "range/range.h"

#include "base/mutant.h"
#include "rmap/rmap.h"

/* One table's worth of zapping. */
struct zap_table {
	struct mmu_gather *tlb;
	struct vm_area *vma;
	u64 vm_flags; /* of vma */
	const struct zap_details *details;
	s64 rss[NR_MM_COUNTERS]; /* unmapped, and still in the mm's counters */
	u64 delayed;             /* of the gather's pages: still to lose their mapping */
	u64 delayed_mlocked;     /* of them: which is counted as locked into memory */
};

_Static_assert(GATHER_BATCH <= 64, "a bit for each page of a gather");

static bool keeps_cows(const struct zap_table *zap)
{
	return zap->details && zap->details->skip_cows;
}

static bool keeps_markers(const struct zap_table *zap)
{
	return zap->details && !(zap->details->flags & ZAP_DROP_MARKERS);
}

static bool should_zap_page(const struct zap_table *zap, const struct page *page)
{
	if (zap->details && zap->details->single_page && zap->details->single_page != page)
		return false;
	return !keeps_cows(zap) || !page_test_anon(page);
}

/* Whether a mapping counts as locked into memory. ptl held. */
static bool is_mlocked(const struct zap_table *zap, vaddr_t addr)
{
	if (zap->details && (zap->details->flags & ZAP_BY_RMAP))
		return mlock_counted(zap->vma, addr);
	return zap->vm_flags & VM_LOCKED;
}

/* A page of a file remembers protection by userfaultfd after it is unmapped. ptl held. */
static void leave_marker(struct zap_table *zap, vaddr_t addr, pte_t *ptep, pte_t old)
{
	if (likely(!pte_any_uffd_wp(old)) || vma_is_anonymous(zap->vma) || !keeps_markers(zap))
		return;
	if (MUTANT(zap_leaves_no_marker))
		return;
	if (zap->vm_flags & VM_UFFD_WP)
		set_pte_at(zap->tlb->mm, addr, ptep, make_pte_marker(PTE_MARKER_UFFD_WP));
}

/* What the entry knew of a file's page; false: the page may not lose its mapping before a flush. */
static bool pass_on_bits(struct zap_table *zap, struct page *page, pte_t pte)
{
	if (pte_young(pte) && !(zap->vm_flags & (VM_SEQ_READ | VM_RAND_READ)))
		page_mark_accessed(page);
	if (!pte_dirty(pte))
		return true;
	if (!MUTANT(zap_loses_dirty))
		(void)filemap_dirty_page(page);
	return zap->tlb->whole_mm || MUTANT(zap_unmaps_before_flush);
}

/* Clear one present entry; true when the gather is full. */
static bool zap_present_pte(struct zap_table *zap, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct mmu_gather *tlb = zap->tlb;
	struct page *page = vm_normal_page(machine_of(tlb->mm), pte);
	bool mlocked;

	if (page && !should_zap_page(zap, page))
		return false;
	/* The processor may have set A or D meanwhile. */
	pte = ptep_get_and_clear(tlb->mm, addr, ptep);
	tlb_change_range(tlb, addr, addr + PAGE_SIZE);
	leave_marker(zap, addr, ptep, pte);
	if (!page)
		return false;
	zap->rss[page_mm_counter(page)]--;
	mlocked = is_mlocked(zap, addr);
	if (page_test_anon(page) || pass_on_bits(zap, page, pte)) {
		page_remove_rmap_mlocked(page, mlocked);
	} else {
		zap->delayed |= BIT(tlb->nr);
		zap->delayed_mlocked |= mlocked ? BIT(tlb->nr) : 0;
	}
	return tlb_remove_page(tlb, page);
}

/* Whether a swap-type entry goes; its slot and counters are settled then. */
static bool zap_swap_type(struct zap_table *zap, pte_t pte)
{
	struct machine *m = machine_of(zap->tlb->mm);
	swp_entry_t entry = pte_to_swp_entry(pte);
	const struct page *page;

	if (!swp_is_special(entry)) {
		if (keeps_cows(zap))
			return false;
		zap->rss[MM_SWAPENTS]--;
		free_swap_and_cache(m, entry);
		return true;
	}
	switch (entry.type) {
	case SWP_MIGRATION_READ:
	case SWP_MIGRATION_READ_EXCLUSIVE:
	case SWP_MIGRATION_WRITE:
		page = pfn_to_page(m, swp_entry_pfn(entry));
		if (!should_zap_page(zap, page))
			return false;
		zap->rss[page_mm_counter(page)]--;
		return true;
	case SWP_HWPOISON:
		return !keeps_cows(zap);
	default:
		VM_BUG_ON2(!pte_is_marker(pte), pte.v, 0);
	}
	if (pte_is_guard(pte))
		return !keeps_markers(zap);
	if (pte_marker_bits(pte) & PTE_MARKER_UFFD_WP)
		return vma_is_anonymous(zap->vma) || !keeps_markers(zap);
	if (pte_marker_bits(pte) == PTE_MARKER_SWAPPED)
		return true;
	return !keeps_cows(zap);
}

static void zap_swap_type_pte(struct zap_table *zap, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	if (!zap_swap_type(zap, pte))
		return;
	(void)ptep_get_and_clear(zap->tlb->mm, addr, ptep);
	leave_marker(zap, addr, ptep, pte);
}

/* Flush, and let go of the pages that had to wait for it. ptl held. */
static void remove_delayed(struct zap_table *zap)
{
	tlb_flush_only(zap->tlb);
	for (; zap->delayed; zap->delayed &= zap->delayed - 1) {
		unsigned nr = (unsigned)__builtin_ctzll(zap->delayed);

		page_remove_rmap_mlocked(zap->tlb->pages[nr], zap->delayed_mlocked & BIT(nr));
	}
	zap->delayed_mlocked = 0;
}

static void settle_counters(struct zap_table *zap)
{
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++) {
		if (zap->rss[i])
			add_mm_counter(zap->tlb->mm, (enum mm_counter)i, zap->rss[i]);
		zap->rss[i] = 0;
	}
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
	settle_counters(zap);
	if (zap->delayed)
		remove_delayed(zap);
	spin_unlock(ptl);
	if (full)
		tlb_flush_mmu(tlb);
}

void unmap_page_range(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		      const struct zap_details *details)
{
	struct zap_table zap = {
		.tlb = tlb,
		.vma = vma,
		.vm_flags = READ_ONCE(vma->flags),
		.details = details,
	};
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
