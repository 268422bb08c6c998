/* SPDX-License-Identifier: MIT */
/*
 * Migration entries: a page's entries while it is on its way to another frame.
 *
 *   try_to_migrate (unmap.c)    entry → migration entry, which names the old frame
 *   fork, mprotect, munmap      copy it, change its kind, clear it, under its ptl as any entry
 *   remove_migration_ptes       migration entry → entry of the frame that has the data at the end
 *   a fault                     waits for that, and looks again
 *
 * Fork adds entries behind the walk's back, but only in a vma that comes after the one it copies
 * from (rmap_walk), so the walk meets them too. Who waits has read the sequence of the machine's
 * wait queue under the ptl, with the migration entry there; who replaces the entry takes that ptl
 * later, and wakes after it. A wake-up by another page's migration makes the fault look twice.
 */
#include "rmap/rmap.h"

/* The entry that maps page in place of a migration entry. */
static pte_t arrived_entry(const struct vm_area *vma, const struct page *page, pte_t swp)
{
	pgprot_t prot = { READ_ONCE(((struct vm_area *)vma)->page_prot.v) };
	pte_t pte = pte_mkold(pfn_pte(page_to_pfn(page), prot));

	if (pte_swp_soft_dirty(swp))
		pte = pte_mksoft_dirty(pte);
	if (pte_to_swp_entry(swp).type == SWP_MIGRATION_WRITE)
		pte = pte_mkwrite(pte);
	else if (pte_swp_uffd_wp(swp))
		pte = pte_mkuffd_wp(pte);
	return pte;
}

static bool arrive_one(struct page *page, struct vm_area *vma, vaddr_t addr, void *arg)
{
	struct page *old = arg;
	struct page_vma_mapped_walk pvmw = {
		.page = old,
		.vma = vma,
		.address = addr,
		.migration = true,
	};

	while (page_vma_mapped_walk(&pvmw)) {
		pte_t swp = ptep_get(pvmw.pte);
		bool exclusive = pte_to_swp_entry(swp).type != SWP_MIGRATION_READ;
		bool mlocked = mlock_counted(vma, addr);

		get_page(page);
		if (page_test_anon(page))
			page_add_anon_rmap_mlocked(page, vma, addr,
						   (exclusive ? RMAP_EXCLUSIVE : 0) |
							   (mlocked ? RMAP_MLOCKED : 0));
		else
			page_add_file_rmap_mlocked(page, mlocked);
		set_pte_at(vma->mm, addr, pvmw.pte, arrived_entry(vma, page, swp));
	}
	return true;
}

void remove_migration_ptes(struct page *old, struct page *page)
{
	struct rmap_walk walk = { .arg = old, .one = arrive_one, .keeps_anon_vma = true };

	VM_BUG_ON2(!page_test_locked(old), page_to_pfn(old).n, old->flags);
	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, page->flags);
	VM_BUG_ON2(old->index != page->index, old->index, page->index);
	/* The old one may have left its file. */
	rmap_walk(page, &walk);
	wake_up_all(&machine_of(page)->migration_waitq);
}

void migration_entry_wait(struct mm *mm, pte_t *ptep, spinlock_t *ptl)
{
	struct wait_queue_head *waitq = &machine_of(mm)->migration_waitq;
	struct wait_queue_entry wait;

	VM_BUG_ON2(!pte_is_migration(ptep_get(ptep)), ptep_get(ptep).v, mm->id);
	prepare_to_wait(waitq, &wait);
	spin_unlock(ptl);
	wait_schedule(waitq, &wait);
	finish_wait(waitq, &wait);
}
