/* SPDX-License-Identifier: MIT */
/*
 * swapoff, for one mm: every entry of the area gets its page back, read-only and old. What cannot
 * be read any more is poisoned, so that only who needs the data learns of it.
 */
#include "range/range.h"

#include "base/uapi.h"
#include "rmap/rmap.h"

struct unuse {
	struct vm_area *vma;
	u32 type;
	/* result of looking at a table */
	vaddr_t addr;
	pte_t pte;
};

/* ptl and folio lock held, the entry is still pte. */
static void map_page(struct vm_area *vma, vaddr_t addr, pte_t *ptep, pte_t pte, struct page *page)
{
	pte_t entry = pte_mkold(pfn_pte(page_to_pfn(page), vma->page_prot));

	if (pte_swp_soft_dirty(pte))
		entry = pte_mksoft_dirty(entry);
	if (pte_swp_uffd_wp(pte))
		entry = pte_mkuffd_wp(entry);
	get_page(page);
	page_add_anon_rmap(page, vma, addr, pte_swp_exclusive(pte));
	add_mm_counter(vma->mm, MM_ANONPAGES, 1);
	set_pte_at(vma->mm, addr, ptep, entry);
}

/* The page is locked. */
static void unuse_pte(const struct unuse *unuse, struct page *page)
{
	struct vm_area *vma = unuse->vma;
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_lock(vma->mm, unuse->addr, &ptl);

	if (!ptep)
		return;
	if (ptep_get(ptep).v == unuse->pte.v) {
		if (page_test_uptodate(page))
			map_page(vma, unuse->addr, ptep, unuse->pte, page);
		else
			set_pte_at(vma->mm, unuse->addr, ptep,
				   make_pte_marker(PTE_MARKER_POISONED));
		add_mm_counter(vma->mm, MM_SWAPENTS, -1);
		swap_free(machine_of(vma), pte_to_swp_entry(unuse->pte));
	}
	spin_unlock(ptl);
}

/* Bring home what the entry that was found stands for. */
static int unuse_found(const struct unuse *unuse)
{
	struct mm *mm = unuse->vma->mm;
	swp_entry_t entry = pte_to_swp_entry(unuse->pte);
	int err = 0;
	struct page *page = swapin_readahead(machine_of(mm), entry, mm->group, &err);

	if (!page)
		return err == -ENOENT ? 0 : err;
	page_lock(page);
	if (page_test_swapcache(page) && page_swap_entry(page).type == entry.type &&
	    page_swap_entry(page).offset == entry.offset) {
		unuse_pte(unuse, page);
		(void)folio_free_swap(page);
	}
	page_unlock(page);
	/* Another slot's by then, it may have lost that one's last entry while it was locked. */
	free_swap_cache(page);
	put_page(page);
	return 0;
}

/* Stops the walk at the first entry of the area. */
static int find_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct unuse *unuse = walk->private;

	(void)ptep;
	if (!pte_is_swp(pte) || pte_to_swp_entry(pte).type != unuse->type)
		return 0;
	unuse->addr = addr;
	unuse->pte = pte;
	return 1;
}

static int unuse_vma(struct vm_area *vma, u32 type)
{
	struct unuse unuse = { .vma = vma, .type = type };
	struct mm_walk walk = { .pte = find_pte, .mm = vma->mm, .private = &unuse };
	vaddr_t addr = vma->start;

	while (addr < vma->end && walk_page_range(&walk, addr, vma->end)) {
		int err = unuse_found(&unuse);

		if (err)
			return err;
		addr = unuse.addr + PAGE_SIZE;
	}
	return 0;
}

int unuse_mm(struct mm *mm, u32 type)
{
	struct vm_area *vma;
	int err = 0;

	down_read(&mm->mmap_lock);
	for_each_vma(mm, vma) {
		/* UFFDIO_MOVE may bring a vma its first slot meanwhile: there is a next round. */
		if (READ_ONCE(vma->anon_vma))
			err = unuse_vma(vma, type);
		if (err)
			break;
	}
	up_read(&mm->mmap_lock);
	return err;
}
