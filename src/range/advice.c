/* SPDX-License-Identifier: MIT */
/*
 * What advices and locks do to entries: lazily freed pages, cold pages, guards, locked pages.
 */
#include "range/range.h"

#include "base/uapi.h"
#include "phys/lru.h"
#include "rmap/rmap.h"

struct advice_range {
	struct mmu_gather tlb;
	struct vm_area *vma;
};

static void walk_advice(struct vm_area *vma, vaddr_t start, vaddr_t end,
			int (*pte)(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte))
{
	struct advice_range advice = { .vma = vma };
	struct mm_walk walk = { .pte = pte, .mm = vma->mm, .private = &advice };

	tlb_gather_mmu(&advice.tlb, vma->mm);
	(void)walk_page_range(&walk, start, end);
	tlb_finish_mmu(&advice.tlb);
}

/* Change an entry's A and D by a function of the entry; the processor may be doing the same. */
static void update_entry(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t old,
			 pte_t (*change)(pte_t pte))
{
	struct advice_range *advice = walk->private;

	while (change(old).v != old.v) {
		if (ptep_try_update(walk->mm, addr, ptep, old, change(old))) {
			tlb_change_range(&advice->tlb, addr, addr + PAGE_SIZE);
			return;
		}
		old = ptep_get(ptep);
	}
}

/* ---- MADV_FREE ------------------------------------------------------------------------------ */

static pte_t mkold_clean(pte_t pte)
{
	return pte_mkold(pte_mkclean(pte));
}

static int free_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct page *page;

	if (pte_is_swap(pte)) {
		(void)ptep_get_and_clear(walk->mm, addr, ptep);
		add_mm_counter(walk->mm, MM_SWAPENTS, -1);
		free_swap_and_cache(machine_of(walk->mm), pte_to_swp_entry(pte));
		return 0;
	}
	/* Data that is lost is not wanted either. */
	if (pte_marker_bits(pte) & PTE_MARKER_POISONED)
		(void)ptep_get_and_clear(walk->mm, addr, ptep);
	if (!pte_present(pte))
		return 0;
	page = vm_normal_page(machine_of(walk->mm), pte);
	if (!page || !page_test_anon(page))
		return 0;
	if (page_test_dirty(page) || page_test_swapcache(page)) {
		/* Somebody else's data too: only the last mapping may call it clean. */
		if (!page_trylock(page))
			return 0;
		if (page_mapcount(page) != 1 ||
		    (page_test_swapcache(page) && !folio_free_swap(page))) {
			page_unlock(page);
			return 0;
		}
		page_clear_dirty(page);
		page_unlock(page);
	}
	update_entry(walk, addr, ptep, pte, mkold_clean);
	lru_lazyfree(page);
	return 0;
}

void madvise_free_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	walk_advice(vma, start, end, free_pte);
}

/* ---- MADV_COLD ------------------------------------------------------------------------------ */

static int cold_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct page *page;

	if (!pte_present(pte))
		return 0;
	page = vm_normal_page(machine_of(walk->mm), pte);
	/* A page that others map too is not for this process to call cold. */
	if (!page || page_mapcount(page) != 1)
		return 0;
	update_entry(walk, addr, ptep, pte, pte_mkold);
	page_clear_referenced(page);
	lru_deactivate(page);
	return 0;
}

void madvise_cold_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	walk_advice(vma, start, end, cold_pte);
}

/* ---- guards --------------------------------------------------------------------------------- */

/* Put a guard over a none entry. 0; -EAGAIN: there is a page to zap first; -ENOMEM. */
static int guard_install_one(struct mm *mm, vaddr_t addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_alloc_lock(mm, addr, &ptl);
	int err = 0;
	pte_t pte;

	if (!ptep)
		return -ENOMEM;
	pte = ptep_get(ptep);
	if (pte_none(pte) || pte_marker_bits(pte) == PTE_MARKER_UFFD_WP)
		set_pte_at(mm, addr, ptep, make_pte_marker(PTE_MARKER_GUARD));
	else if (!pte_is_guard(pte))
		err = -EAGAIN;
	spin_unlock(ptl);
	return err;
}

int guard_install_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	vaddr_t addr = start;

	VM_BUG_ON2(!(vma->flags & VM_MAYBE_GUARD), vma->start, vma->flags);
	/* As for a page, which is what tables of anonymous memory are for. */
	if (vma_is_anonymous(vma) && anon_vma_prepare(vma))
		return -ENOMEM;
	while (addr < end) {
		int err = guard_install_one(vma->mm, addr);

		if (err == -ENOMEM)
			return err;
		if (err == -EAGAIN)
			zap_page_range_single(vma, addr, end, &(struct zap_details){ 0 });
		else
			addr += PAGE_SIZE;
	}
	return 0;
}

static int guard_remove_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	if (pte_is_guard(pte))
		(void)ptep_get_and_clear(walk->mm, addr, ptep);
	return 0;
}

void guard_remove_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	walk_advice(vma, start, end, guard_remove_pte);
}

/* ---- mlock ---------------------------------------------------------------------------------- */

/* The entries of one table. */
static int mlock_ptes(struct mm_walk *walk, vaddr_t start, vaddr_t end, pte_t *ptep)
{
	bool lock = *(bool *)walk->private;

	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE, ptep++) {
		pte_t pte = ptep_get(ptep);
		struct page *page =
			pte_present(pte) ? vm_normal_page(machine_of(walk->mm), pte) : NULL;

		if (page && lock)
			page_mlock(page);
		else if (page)
			page_munlock(page);
	}
	mlock_done(walk->mm, end);
	return 0;
}

void mlock_vma_pages_range(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 new_flags)
{
	bool lock = new_flags & VM_LOCKED;
	struct mm_walk walk = { .ptes = mlock_ptes, .mm = vma->mm, .private = &lock };

	vma_set_flags(vma, new_flags);
	(void)walk_page_range(&walk, start, end);
}
