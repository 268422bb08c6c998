/* SPDX-License-Identifier: MIT */
/*
 * Protect: give present entries the protection of their vma.
 *
 * Write permission is taken away at once and given back by the next write fault, except where
 * that fault would do nothing but set the bit: a private page that is exclusive may become
 * writable here (unless write notification is wanted: soft-dirty tracking, uffd-wp).
 */
#include "range/range.h"

struct protect_range {
	struct mmu_gather *tlb;
	struct vm_area *vma;
	bool soft_dirty;
};

static bool may_become_writable(const struct protect_range *protect, pte_t pte)
{
	struct page *page;

	if (!(protect->vma->flags & VM_WRITE) || pte_protnone(pte) || pte_any_uffd_wp(pte))
		return false;
	if (protect->soft_dirty && !pte_soft_dirty(pte))
		return false;
	page = vm_normal_page(machine_of(protect->vma), pte);
	return page && page_test_anon(page) && page_test_anon_exclusive(page);
}

static pte_t protected_entry(const struct protect_range *protect, pte_t old)
{
	pte_t pte = pte_modify(old, protect->vma->page_prot);

	if (!pte_write(pte) && may_become_writable(protect, pte))
		pte = pte_mkwrite(pte);
	return pte;
}

/* Whether a CPU may have cached something that the new entry no longer allows. */
static bool needs_flush(pte_t old, pte_t pte)
{
	return (pte_cpu_may_read(old) && !pte_cpu_may_read(pte)) ||
	       (pte_cpu_may_write(old) && !pte_cpu_may_write(pte)) ||
	       (pte_cpu_may_exec(old) && !pte_cpu_may_exec(pte));
}

static int protect_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t old)
{
	struct protect_range *protect = walk->private;
	pte_t pte;

	if (!pte_present(old))
		return 0;
	pte = protected_entry(protect, old);
	/* The processor may set A or D between the look and the change. */
	while (pte.v != old.v && !ptep_try_update(walk->mm, addr, ptep, old, pte)) {
		old = ptep_get(ptep);
		pte = protected_entry(protect, old);
	}
	if (needs_flush(old, pte))
		tlb_change_range(protect->tlb, addr, addr + PAGE_SIZE);
	return 0;
}

void change_protection(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct protect_range protect = {
		.tlb = tlb,
		.vma = vma,
		.soft_dirty = machine_of(vma)->config.soft_dirty,
	};
	struct mm_walk walk = { .pte = protect_pte, .mm = vma->mm, .private = &protect };

	VM_BUG_ON2(start < vma->start || end > vma->end, start, end);
	(void)walk_page_range(&walk, start, end);
}
