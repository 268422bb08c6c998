/* SPDX-License-Identifier: MIT */
/* Bits of all entries of a page: was it used, is it dirty. */
#include "rmap/rmap.h"

/* ---- used? --------------------------------------------------------------------------------- */

struct referenced_walk {
	int left; /* mappings to be seen yet */
	int young;
	u64 vm_flags;
};

/* Clear A; whether it was set. The CPUs forget the entry, so that the next access sets it again. */
static bool test_and_clear_young(const struct page_vma_mapped_walk *pvmw)
{
	struct mm *mm = pvmw->vma->mm;
	pte_t pte = ptep_get(pvmw->pte);

	while (pte_young(pte)) {
		if (ptep_try_update(mm, pvmw->address, pvmw->pte, pte, pte_mkold(pte))) {
			flush_tlb_page(mm, pvmw->address);
			return true;
		}
		pte = ptep_get(pvmw->pte);
	}
	return false;
}

static bool referenced_one(struct page *page, struct vm_area *vma, vaddr_t addr, void *arg)
{
	struct page_vma_mapped_walk pvmw = { .page = page, .vma = vma, .address = addr };
	struct referenced_walk *referenced = arg;
	u64 flags = READ_ONCE(vma->flags);

	while (page_vma_mapped_walk(&pvmw)) {
		if (mlock_counted(vma, addr)) {
			page_vma_mapped_walk_done(&pvmw);
			referenced->vm_flags |= VM_LOCKED;
			return false;
		}
		if (test_and_clear_young(&pvmw)) {
			referenced->young++;
			referenced->vm_flags |= flags & ~VM_LOCKED;
		}
		referenced->left--;
	}
	return referenced->left > 0;
}

/* Use there says nothing about use to come. */
static bool has_no_recency(struct vm_area *vma, void *arg)
{
	(void)arg;
	return READ_ONCE(vma->flags) & (VM_SEQ_READ | VM_RAND_READ);
}

int folio_referenced(struct page *page, u64 *ret_vm_flags)
{
	struct referenced_walk referenced = { .left = page_mapcount(page) };
	struct rmap_walk walk = {
		.arg = &referenced,
		.one = referenced_one,
		.skip = has_no_recency,
		.try_lock = true,
	};

	if (referenced.left)
		rmap_walk(page, &walk);
	*ret_vm_flags = referenced.vm_flags;
	return walk.contended ? -1 : referenced.young;
}

/* ---- dirty? -------------------------------------------------------------------------------- */

static pte_t clean_entry(pte_t pte)
{
	return pte_mkclean(pte_wrprotect(pte));
}

/* After it the next write to the page is a fault. */
static bool mkclean_one(struct page *page, struct vm_area *vma, vaddr_t addr, void *arg)
{
	struct page_vma_mapped_walk pvmw = { .page = page, .vma = vma, .address = addr };
	int *cleaned = arg;

	while (page_vma_mapped_walk(&pvmw)) {
		pte_t pte = ptep_get(pvmw.pte);

		if (!pte_dirty(pte) && !pte_write(pte))
			continue;
		while (!ptep_try_update(vma->mm, addr, pvmw.pte, pte, clean_entry(pte)))
			pte = ptep_get(pvmw.pte);
		flush_tlb_page(vma->mm, addr);
		(*cleaned)++;
	}
	return true;
}

/* A private mapping has the page of the file read-only, and clean. */
static bool is_private(struct vm_area *vma, void *arg)
{
	(void)arg;
	return !(READ_ONCE(vma->flags) & VM_SHARED);
}

int page_mkclean(struct page *page)
{
	int cleaned = 0;
	struct rmap_walk walk = { .arg = &cleaned, .one = mkclean_one, .skip = is_private };

	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, page->flags);
	VM_BUG_ON2(page_test_anon(page), page_to_pfn(page).n, page->mapping);
	if (page_mapcount(page))
		rmap_walk(page, &walk);
	return cleaned;
}
